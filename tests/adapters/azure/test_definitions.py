"""The check of bodies against Microsoft's definitions of the request's version finds faults."""

import json
from typing import Any

import pytest

from tests.azure_servers.base import Answer, Request
from tests.azure_servers.bodies import Resource
from tests.azure_servers.compiler import NO_COMPILER, diagnostics, find_compiler, literal
from tests.azure_servers.definitions import misspelt, strange_answers, strange_fields
from tests.azure_servers.record import ANSWERED, SENT, findings, recorded

GROUP = "/subscriptions/s/resourceGroups/g/providers"
WORKSPACE = f"{GROUP}/Microsoft.MachineLearningServices/workspaces/w"
COMMAND = {"jobType": "Command", "command": "c", "environmentId": "e"}


def strange(method: str, path: str, version: str, body: dict[str, Any]) -> list[str]:
    content = json.dumps(body).encode()
    request = Request(
        method=method, path=path, query={"api-version": version}, headers={}, body=content
    )
    return strange_fields([request])


@pytest.mark.parametrize(
    ("method", "path", "version", "good", "bad"),
    [
        (
            "PUT",
            f"{GROUP}/Microsoft.EventGrid/systemTopics/t/eventSubscriptions/e",
            "2025-02-15",
            {"properties": {"filter": {"subjectBeginsWith": "/a"}}},
            {"properties": {"filter": {"subjectStartsWith": "/a"}}},
        ),
        (
            "POST",
            f"{GROUP}/Microsoft.ContainerRegistry/registries/r/scheduleRun",
            "2019-06-01-preview",
            {"type": "DockerBuildRequest", "dockerFilePath": "Dockerfile"},
            {"type": "DockerBuildRequest", "dockerfile": "Dockerfile"},
        ),
        (
            "PUT",
            WORKSPACE,
            "2025-06-01",
            {"location": "l", "properties": {"systemDatastoresAuthMode": "Identity"}},
            {"location": "l", "properties": {"systemDatastoresAuthMode": "identity"}},
        ),
        (
            "PUT",
            f"{WORKSPACE}/jobs/j",
            "2025-01-01-preview",
            {"properties": {**COMMAND, "displayName": "d"}},
            {"properties": {**COMMAND, "display": "d"}},
        ),
        (
            "PUT",
            f"{WORKSPACE}/jobs/j",
            "2025-01-01-preview",
            {"properties": COMMAND},
            {"properties": {**COMMAND, "jobType": "command"}},
        ),
        (
            "PUT",
            f"{WORKSPACE}/computes/c",
            "2023-08-01-preview",
            {"properties": {"properties": {"scaleSettings": {"maxNodeCount": 2}}}},
            {"properties": {"properties": {"scaleSettings": {"maxNodeCount": "2"}}}},
        ),
    ],
)
def test_a_body_that_its_version_does_not_know_is_found(
    method: str, path: str, version: str, good: dict[str, Any], bad: dict[str, Any]
) -> None:
    assert strange(method, path, version, good) == []
    assert strange(method, path, version, bad) != []


def test_a_version_that_nobody_checked_the_body_of_is_found() -> None:
    body = {"location": "l", "properties": {"systemDatastoresAuthMode": "Identity"}}

    [found] = strange("PUT", WORKSPACE, "2024-10-01", body)

    assert "workspaces@2024-10-01 is not recorded" in found


def test_an_action_that_no_package_defines_is_found() -> None:
    found = strange("POST", f"{GROUP}/Microsoft.Other/things/t/begin", "2025-01-01", {"a": 1})

    assert found != []


def test_a_word_in_another_spelling_is_found() -> None:
    kind = "Microsoft.MachineLearningServices/workspaces"
    body = {"properties": {"systemDatastoresAuthMode": "identity"}}

    [found] = misspelt(kind, body)

    assert "Microsoft spells AccessKey, Identity" in found


@pytest.mark.parametrize("kind", ["jobs/j", "data/d/versions/1", "datastores/d"])
def test_a_server_of_the_tests_that_answers_what_azure_never_says_is_found(kind: str) -> None:
    version = {
        "jobs/j": "2024-01-01-preview",
        "data/d/versions/1": "2023-04-01-preview",
        "datastores/d": "2024-10-01-preview",
    }[kind]
    path = f"{WORKSPACE}/{kind}"
    request = Request(method="GET", path=path, query={"api-version": version}, headers={}, body=b"")
    content = {"id": path, "properties": {"provisioningState": "Succeeded"}}

    [found] = strange_answers([(request, Answer(content=content))])

    assert ".properties.provisioningState" in found


@pytest.fixture(scope="module")
def compiler() -> str:
    found = find_compiler()
    if found is None:
        pytest.skip(NO_COMPILER)
    return found


@pytest.mark.parametrize("way", [SENT, ANSWERED])
def test_the_compiler_finds_nothing_in_the_recorded_bodies(compiler: str, way: str) -> None:
    resources = recorded(way)

    assert len(resources) > 10
    assert findings(compiler, resources, way) == []


def test_the_compiler_knows_which_version_has_which_property(compiler: str) -> None:
    body = {"location": "l", "properties": {"systemDatastoresAuthMode": "Identity"}}
    kind = "Microsoft.MachineLearningServices/workspaces"
    old, new = (
        Resource(type=kind, version=version, name="workspace", body=body)
        for version in ("2024-10-01", "2025-06-01")
    )

    found = diagnostics(compiler, [old, new])

    assert "systemDatastoresAuthMode" in found[0][0]
    assert found[1] == []


def test_json_is_written_as_bicep() -> None:
    body = {"a": ["it's ${x}", 1.5, 2.0, None, True], "b-c": {}}

    assert literal(body) == r"{ a: ['it\'s \${x}', json('1.5'), 2, null, true], 'b-c': {} }"
