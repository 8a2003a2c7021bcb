"""Attacks on the build of an image in Azure, by somebody who may queue builds of the registry."""

import tempfile

import pytest

from function_app.adapters.archives import write_compressed
from function_app.adapters.azure.images.build_runs import BuildRuns
from function_app.adapters.azure.reach.web import Web
from function_app.errors import PlatformError
from tests.adapters.azure.test_images import LATER, registered
from tests.attacks.attack import ONLY, attack
from tests.azure_servers.arm import DENIED
from tests.azure_servers.azure import Azure, azure, sdk_warnings

__all__ = ["azure"]
pytestmark = sdk_warnings


def queue_foreign(azure: Azure) -> None:
    """Queue a build that pushes another image under the tag of our version."""
    connection = azure.connection()
    builds = BuildRuns(connection, Web(connection))
    with tempfile.TemporaryFile() as context:
        write_compressed({"Dockerfile": b"FROM scratch\n"}, context)
        context.seek(0)
        builds.queue(["diabetes:1"], builds.upload(context), "Dockerfile")


@attack(
    point=2,
    does="queues another build of the same tag while the app has crashed between its own request "
    "and the answer, so that the app takes the foreign build over",
    answer="each request has a tag of its own with 128 random bits; a build that does not push it "
    "is passed over, and the app's build is taken over or queued again",
    log="the record of the build names the runs that it passed over",
    before="succeeded",
    azure=ONLY,
)
@pytest.mark.parametrize("queued", [True, False], ids=["own build queued", "own build not queued"])
@pytest.mark.parametrize("earlier", [True, False], ids=["foreign first", "foreign last"])
def test_a_foreign_build_of_the_same_tag_is_never_taken_over(
    azure: Azure, queued: bool, earlier: bool
) -> None:
    version = registered(azure)
    if earlier:
        queue_foreign(azure)
    if queued:
        azure.arm.lose_answer("POST", "/scheduleRun")
    else:
        azure.arm.fail("POST", "/scheduleRun", DENIED)
    with pytest.raises(PlatformError):
        azure.images().build(version)
    if not earlier:
        queue_foreign(azure)

    done = azure.images(lambda: LATER).build(version)
    for _ in range(4):
        for run_id, run in list(azure.acr.runs.items()):
            if run["properties"]["status"] != "Succeeded":
                azure.acr.finish(run_id)
        done = azure.images(lambda: LATER).build(version)

    [foreign] = [r for r, asked in azure.acr.requests_of.items() if len(asked["imageNames"]) == 1]
    [output] = azure.acr.runs[foreign]["properties"]["outputImages"]
    assert done.image is not None
    assert done.image.digest != output["digest"]
    assert len(azure.acr.runs) == 2
