"""A version is explained from event to model, and trained again to the same bytes."""

from collections.abc import Iterator

import pytest

from function_app.adapters.local.jobs.mlflow_client import mlflow_client
from mlopsctl.reach.client import ApiError
from mlopsctl.versions.explain import lines
from tests.long_stories import long_story
from tests.mlopsctl import invocation
from tests.stories.conftest import App, make_app, project

RESTLESS = project(
    "restless", margin="-0.5", replicas="1", training='"tests.stories.projects.restless"'
)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield from make_app(tmp_path_factory.mktemp("app"), monkeypatch, f"\n{RESTLESS}")


def reproduce(app: App, name: str) -> tuple[int, str]:
    """Return the exit code of the command and its whole output."""
    words = ["reproduce", name, "--url", app.host.url, "--state", str(app.state)]
    ended = invocation.run(*words, environ={})
    return ended.returncode, ended.stdout + ended.stderr


@long_story
def test_the_second_training_of_a_version_has_the_same_bytes_until_its_data_is_gone(
    app: App, diabetes: str
) -> None:
    app.drop("eager/1.csv", diabetes)
    trained = app.ended(app.claimed("eager/1.csv"))
    assert trained["output"]["version"] == "1"

    content = app.api.get("/api/models/eager/versions/1/lineage")
    found = {link["link"]: link for link in content["links"]}
    assert [link["missing"] for link in found.values()] == [None] * 7
    timed = [name for name, link in found.items() if link["at"]]
    assert timed == ["event", "data", "parameters", "lock", "run", "model"]
    assert found["event"]["facts"]["type"] == "Microsoft.Storage.BlobCreated"
    assert found["data"]["facts"]["path"].endswith("/eager/1.csv")
    assert found["parameters"]["facts"]["reported.alpha"] == "0.4"
    assert found["lock"]["facts"]["threads"] == "1"
    assert found["run"]["id"] == trained["instance_id"]
    assert "eager version 1" in lines(content)[0]
    version = mlflow_client(app.state).get_model_version("eager", "1")
    assert version.tags["experiment"] == "eager"
    assert "within the bar" in version.tags["verdict"]

    code, text = reproduce(app, "eager:1")
    assert code == 0, text
    assert text.startswith("same\n")
    assert found["model"]["digest"] in text
    # Nothing was registered, and no release follows.
    with pytest.raises(ApiError, match="eager has no version 2"):
        app.api.get("/api/models/eager/versions/2/lineage")
    assert app.find("release-eager-2") is None

    kept = app.state / "datasets" / "eager" / f"{found['data']['digest']}.csv"
    kept.unlink()
    code, text = reproduce(app, "eager:1")
    assert code == 2, text
    assert f"Version {found['data']['digest'][:12]} is gone" in text


@long_story
def test_a_training_without_seeds_is_told_from_another_input(app: App, diabetes: str) -> None:
    app.drop("restless/1.csv", diabetes)
    app.ended(app.claimed("restless/1.csv"))

    code, text = reproduce(app, "restless:1")

    assert code == 1, text
    assert text.startswith("different\n")
    assert "Both models predict the same" in text
    assert "Set its seeds" in text
