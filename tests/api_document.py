"""Holds answers of the app to the OpenAPI document that it serves."""

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import httpx
from jsonschema import Draft202012Validator
from jsonschema.validators import validator_for

DOCUMENT: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "function_app" / "triggers" / "openapi.json").read_text()
)


def operation_of(method: str, path: str) -> dict[str, Any] | None:
    """Return the operation of a request whose path begins with /api; None when there is none.

    A path without parameters comes before one with parameters.
    """
    below = path.partition("?")[0].removeprefix("/api")
    for template in sorted(DOCUMENT["paths"], key=lambda each: each.count("{")):
        if _expression(template).fullmatch(below):
            operation: dict[str, Any] | None = DOCUMENT["paths"][template].get(method.lower())
            return operation
    return None


@cache
def _expression(template: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"{\w+}", "[^/]+", template))


def check_answer(
    method: str, path: str, status: int, headers: Mapping[str, str], body: bytes
) -> str | None:
    """Return the id of the operation after its answer was held to the document.

    None for a request of no operation. AssertionError when the status is not documented, or when
    the body does not match its schema.
    """
    operation = operation_of(method, path)
    if operation is None:
        return None
    asked = f"{method} {path} answered {status}"
    response = operation["responses"].get(str(status))
    assert response is not None, f"{asked}, which the document does not have: {body[:300]!r}"
    media = headers.get("content-type", "").partition(";")[0]
    contents = {name.partition(";")[0]: each for name, each in response["content"].items()}
    if status == 401 and not body:
        return str(operation["operationId"])  # the host refused the function key
    assert media in contents, f"{asked} as {media}; the document has {', '.join(contents)}"
    content = json.loads(body) if media == "application/json" else body.decode()
    problems = [
        f"{'/'.join(map(str, error.absolute_path))}: {error.message[:300]}"
        for error in validator(contents[media]["schema"]).iter_errors(content)
    ]
    assert not problems, f"{asked}: {problems[:3]}"
    return str(operation["operationId"])


def check_request(method: str, path: str, content: object) -> None:
    """Hold the JSON body of an accepted request to the document."""
    operation = operation_of(method, path)
    assert operation is not None
    problems = list(validator(body_schema(operation)).iter_errors(content))
    assert not problems, f"{method} {path} accepted {str(content)[:300]}: {problems[:3]}"


def body_schema(operation: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of the JSON body of an operation; {} when it takes none."""
    body = operation.get("requestBody", {"content": {"application/json": {"schema": {}}}})
    schema: dict[str, Any] = body["content"]["application/json"]["schema"]
    return schema


def check_response(answer: httpx.Response) -> None:
    """Hold an answer to the document."""
    url, body = answer.request.url, answer.read()
    check_answer(answer.request.method, url.path, answer.status_code, answer.headers, body)


def validator(schema: dict[str, Any]) -> Draft202012Validator:
    """Return a validator of a schema of the document."""
    whole = {**schema, "components": DOCUMENT["components"]}
    assert validator_for(whole, Draft202012Validator) is Draft202012Validator
    return Draft202012Validator(whole, format_checker=Draft202012Validator.FORMAT_CHECKER)
