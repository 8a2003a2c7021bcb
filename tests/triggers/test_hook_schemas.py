"""The schemas of hooks in the OpenAPI document require exactly the fields that the app needs."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from function_app.domain.events.events import NothingToDo
from function_app.domain.webhooks.pushes import read_devops, read_github
from function_app.domain.webhooks.signatures import sign
from function_app.errors import ContractError
from tests.api_document import DOCUMENT, body_schema, validator
from tests.domain.test_pushes import DEVOPS, DEVOPS_PULL, PULL, PUSH
from tests.triggers.api_scene import SECRET, Scene

HOOKS = {
    "GitHubPush": PUSH,
    "GitHubPullRequest": PULL,
    "DevOpsPush": DEVOPS,
    "DevOpsPullRequest": DEVOPS_PULL,
}
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]
Path_ = tuple[str | int, ...]


def fields(reference: dict[str, Any], path: Path_ = ()) -> Iterator[tuple[Path_, bool]]:
    """Yield the path of each field below a schema, and whether the schema requires it."""
    schema = SCHEMAS[reference["$ref"].rpartition("/")[2]]
    for name, field in schema["properties"].items():
        yield (*path, name), name in schema["required"]
        if "$ref" in field:
            yield from fields(field, (*path, name))
        elif "$ref" in field.get("items", {}):
            yield from fields(field["items"], (*path, name, 0))


def without(hook: dict[str, Any], path: Path_) -> dict[str, Any] | None:
    """Return a copy of the hook without this field, None when the hook does not have it."""
    changed = copy.deepcopy(hook)
    inner: Any = changed
    for step in path[:-1]:
        inner = inner[step] if isinstance(step, int) else inner.get(step)
        if inner is None:
            return None
    return changed if inner.pop(path[-1], None) is not None else None


CASES = [
    (name, path, required)
    for name in HOOKS
    for path, required in fields({"$ref": f"#/{name}"})
    if without(HOOKS[name], path)
]


def has_events(name: str, hook: dict[str, Any]) -> bool:
    """Return whether the app takes an event out of the hook."""
    kind = "push" if name == "GitHubPush" else "pull_request"
    try:
        events = read_github(kind, "d", hook) if name.startswith("Git") else read_devops(hook)
    except ContractError:
        return False
    return not isinstance(events, NothingToDo)


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_that_the_app_takes_matches_its_schema(name: str) -> None:
    assert has_events(name, HOOKS[name])
    assert validator({"$ref": f"#/components/schemas/{name}"}).is_valid(HOOKS[name])


@pytest.mark.parametrize(("name", "path", "required"), CASES)
def test_the_app_takes_a_hook_without_a_field_when_the_schema_does_not_require_it(
    name: str, path: Path_, required: bool
) -> None:
    hook = without(HOOKS[name], path)
    assert hook is not None

    assert has_events(name, hook) == (not required)
    assert validator({"$ref": f"#/components/schemas/{name}"}).is_valid(hook) == (not required)


def test_every_hook_has_cases() -> None:
    assert {name for name, _, required in CASES if required} == set(HOOKS)


def test_a_hook_in_json_or_in_a_form_is_a_body_of_the_document(tmp_path: Path) -> None:
    """`send` holds an accepted body of JSON to the document."""
    scene, content = Scene(tmp_path), json.dumps({**PUSH, "ref": "refs/tags/v1"}).encode()
    form = urlencode({"payload": content}).encode()
    for body, media in ((content, "application/json"), (form, "application/x-www-form-urlencoded")):
        signature = sign(SECRET, body)
        headers = {"x-github-event": "push", "x-hub-signature-256": signature}
        answer = scene.send(
            "post_webhook",
            source="github",
            body=body,
            headers={**headers, "content-type": media},
        )

        assert answer.status_code == 202
        assert media in DOCUMENT["paths"]["/webhooks/{source}"]["post"]["requestBody"]["content"]


def test_the_body_of_a_webhook_is_an_event_or_a_hook() -> None:
    schema = body_schema(DOCUMENT["paths"]["/webhooks/{source}"]["post"])

    assert not validator(schema).is_valid({"ref": "refs/heads/main"})
    assert not validator(schema).is_valid({})
