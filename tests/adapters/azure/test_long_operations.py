"""Long work that Azure takes with an answer that has no body: no adapter may need one."""

from collections.abc import Callable
from typing import Any

import pytest

from function_app.domain.release.serving import Image
from tests.adapters.azure.test_images import registered
from tests.azure_servers.arm import ArmServer
from tests.azure_servers.azure import Azure, sdk_warnings
from tests.azure_servers.base import Answer

pytestmark = sdk_warnings
IMAGE = Image(
    model="diabetes", version="1", digest="sha256:" + "a" * 64, uri="registry/diabetes@sha256:a"
)
SHAPES: dict[str, Callable[[ArmServer], Answer]] = {
    "202": lambda arm: Answer(status=202),
    "202 with Retry-After": lambda arm: Answer(status=202, headers={"Retry-After": "0"}),
    "202 with an operation": lambda arm: Answer(
        status=202, headers=arm.begin(lambda: Answer(content={"status": "Succeeded"}))
    ),
    "202 with a location": lambda arm: Answer(
        status=202,
        headers={
            "Location": arm.begin(lambda: Answer(status=204))["Azure-AsyncOperation"],
            "Retry-After": "0",
        },
    ),
    "204": lambda arm: Answer(status=204),
}
Work = Callable[[Azure], Callable[[], Any]]


def ensure(part: str) -> Work:
    return lambda azure: lambda: azure.platform().ensure(part)


def remove(part: str) -> Work:
    def after_making(azure: Azure) -> Callable[[], Any]:
        while not azure.platform().ensure(part).ready:
            azure.ml.provide()
        return lambda: azure.platform().remove(part)

    return after_making


def make_workspace(azure: Azure) -> Callable[[], Any]:
    azure.ml.standing = False
    whole = azure.with_settings(key_vault="/v", application_insights="/i")
    return lambda: whole.platform().ensure("workspace")


def remove_group(azure: Azure) -> Callable[[], Any]:
    azure.staging().deploy("release-diabetes-1", IMAGE)
    return lambda: azure.staging().remove("release-diabetes-1")


def make_deployment(azure: Azure) -> Callable[[], Any]:
    azure.online().promote("release-diabetes-1", IMAGE, 1)
    azure.endpoints.settle()
    return lambda: azure.online().promote("release-diabetes-1", IMAGE, 1)


def move_traffic(azure: Azure) -> Callable[[], Any]:
    for _ in range(2):
        azure.online().promote("release-diabetes-1", IMAGE, 1)
        azure.endpoints.settle()
    return lambda: azure.online().promote("release-diabetes-1", IMAGE, 1)


# By name: the method, and the request that follows when the other resources exist.
WORK: dict[str, tuple[str, Work]] = {
    "make the workspace": ("PUT", make_workspace),
    "make the compute": ("PUT", ensure("compute")),
    "remove the compute": ("DELETE", remove("compute")),
    "import the base image": ("POST", ensure("base image")),
    "make a container group": (
        "PUT",
        lambda azure: lambda: azure.staging().deploy("release-a-1", IMAGE),
    ),
    "remove a container group": ("DELETE", remove_group),
    "make an endpoint": (
        "PUT",
        lambda azure: lambda: azure.online().promote("release-a-1", IMAGE, 1),
    ),
    "make a deployment": ("PUT", make_deployment),
    "move the traffic": ("PUT", move_traffic),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("work", WORK)
def test_work_that_is_taken_without_a_body_is_taken_once(
    azure: Azure, work: str, shape: str
) -> None:
    method, prepare = WORK[work]
    act = prepare(azure)
    path = "/environments/" if work == "make a deployment" else ""
    before = len(azure.arm.requests)
    azure.arm.bare = {method: SHAPES[shape](azure.arm)}
    # Environments are made at once, with a body always.
    azure.arm.bare_except = path

    act()

    sent = [r for r in azure.arm.requests[before:] if r.method == method]
    assert len([r for r in sent if not path or path not in r.path]) == 1


def test_a_build_whose_run_was_not_named_is_found_in_the_registrys_list(azure: Azure) -> None:
    azure.acr.says_the_run = False
    version = registered(azure)

    first = azure.images().build(version)
    azure.acr.finish("run1")
    second = azure.images().build(version)

    assert "not named its run" in first.detail
    assert second.image is not None
    assert len(azure.acr.runs) == 1
