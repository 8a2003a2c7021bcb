"""The check of bodies against Microsoft's definitions finds what is wrong, and knows the bodies."""

from typing import Any

import pytest

from tests.azure_servers.base import Request
from tests.azure_servers.definitions import model_of, unknown_fields

GROUP = "/subscriptions/s/resourceGroups/g/providers"
WORKSPACE = f"{GROUP}/Microsoft.MachineLearningServices/workspaces/w"


def model(method: str, path: str) -> Any:
    return model_of(Request(method=method, path=path, query={}, headers={}, body=b"{}"))


@pytest.mark.parametrize(
    ("method", "path", "good", "bad"),
    [
        (
            "PUT",
            f"{GROUP}/Microsoft.EventGrid/systemTopics/t/eventSubscriptions/e",
            {"properties": {"filter": {"subjectBeginsWith": "/a"}}},
            {"properties": {"filter": {"subjectStartsWith": "/a"}}},
        ),
        (
            "POST",
            f"{GROUP}/Microsoft.ContainerRegistry/registries/r/scheduleRun",
            {"type": "DockerBuildRequest", "dockerFilePath": "Dockerfile"},
            {"type": "DockerBuildRequest", "dockerfile": "Dockerfile"},
        ),
        (
            "PUT",
            WORKSPACE,
            {"location": "l", "properties": {"keyVault": "v"}},
            {"location": "l", "properties": {"vault": "v"}},
        ),
        (
            "PUT",
            f"{WORKSPACE}/jobs/j",
            {"properties": {"jobType": "Command", "command": "c"}},
            {"properties": {"jobType": "Command", "commandLine": "c"}},
        ),
    ],
)
def test_a_field_that_no_definition_knows_is_found(
    method: str, path: str, good: dict[str, Any], bad: dict[str, Any]
) -> None:
    assert unknown_fields(good, model(method, path)) == []
    assert len(unknown_fields(bad, model(method, path))) == 1


def test_what_no_package_defines_is_left_alone() -> None:
    assert model("PUT", f"{GROUP}/Microsoft.Other/things/t") is None
