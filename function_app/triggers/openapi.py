"""The OpenAPI 3.1 document of the app's HTTP API, made from the table of its routes."""

import re
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from function_app.domain.event_types import READERS
from function_app.domain.events.inbox import Outcome
from function_app.triggers.http.reports import MAX_TAIL
from function_app.triggers.invocation import MAX_BODY, Answer, Invocation, Request
from function_app.triggers.pages import DEFAULT_LIMIT, MOST

Respond = Callable[[Invocation, Request], Awaitable[Answer]]
Route = tuple[str, str, Respond]
Schema = dict[str, Any]

_TEXT: Schema = {"type": "string", "minLength": 1}
_ID: Schema = {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,256}$"}
_GRID: Schema = {
    "title": "EventGridSchema",
    "type": "object",
    "required": ["id", "subject", "eventType", "data"],
    "properties": {
        "id": _TEXT,
        "topic": {"type": "string"},
        "subject": _TEXT,
        "eventType": {"type": "string", "enum": sorted(READERS)},
        "eventTime": {"type": "string", "format": "date-time"},
        "dataVersion": {"type": "string"},
        "data": {"type": "object"},
    },
}
_CLOUD: Schema = {
    "title": "CloudEvents 1.0",
    "type": "object",
    "required": ["specversion", "id", "source", "type", "data"],
    "properties": {
        "specversion": {"const": "1.0"},
        "id": _TEXT,
        "source": _TEXT,
        "type": {"type": "string", "enum": sorted(READERS)},
        "subject": {"type": "string"},
        "data": {"type": "object"},
    },
}
_EVENTS: Schema = {
    "anyOf": [
        _GRID,
        _CLOUD,
        {"type": "array", "minItems": 1, "maxItems": 100, "items": {"anyOf": [_GRID, _CLOUD]}},
    ]
}
_COMMENT: Schema = {"type": "string", "maxLength": 2000}
_DECISION: Schema = {
    "type": "object",
    "additionalProperties": False,
    "required": ["image_digest", "evidence_hash"],
    "properties": {"image_digest": _TEXT, "evidence_hash": _TEXT, "comment": _COMMENT},
}
_COMMENTED: Schema = {
    "type": "object",
    "additionalProperties": False,
    "properties": {"comment": _COMMENT},
}
_TRAINING: Schema = {
    "type": "object",
    "additionalProperties": False,
    "required": ["request_id"],
    "properties": {"request_id": _TEXT, "data_uri": {"type": "string"}},
}
_BODIES: dict[str, Schema] = {
    "post_events": _EVENTS,
    "post_webhook": {"type": ["object", "array"]},
    "post_training": _TRAINING,
    "post_approval": _DECISION,
    "post_rejection": _DECISION,
    "post_withdrawal": _COMMENTED,
    "post_roll_back": _COMMENTED,
    "post_shutdown": _COMMENTED,
    "post_cancel": _COMMENTED,
    "post_rotation": _COMMENTED,
}
# The other requests of ours may come without a body.
_NEED_A_BODY = ("post_events", "post_webhook", "post_training", "post_approval", "post_rejection")
_PAGE: dict[str, Schema] = {
    "limit": {"type": "integer", "minimum": 1, "maximum": MOST, "default": DEFAULT_LIMIT},
    "after": {"type": "string"},
}
_QUERIES: dict[str, dict[str, Schema]] = {
    "delete_part": {"sure": {"type": "string"}},
    "get_releases": _PAGE,
    "get_run_log": {"tail": {"type": "integer", "minimum": 1, "maximum": MAX_TAIL}},
    "get_events": {"outcome": {"type": "string", "enum": ["", *Outcome]}, **_PAGE},
    "get_audit": {
        "model": {"type": "string"},
        "person": {"type": "string"},
        "since": {"type": "string", "format": "date-time"},
    },
    "get_audit_check": {
        "after": {"type": "integer", "minimum": 0},
        "anchor": {"type": "string"},
    },
}
_BY_PERSON = (
    *("post_approval", "post_rejection", "post_withdrawal"),
    *("post_roll_back", "post_shutdown", "post_cancel"),
    *("get_audit", "get_audit_check", "post_rotation", "delete_part"),
)
_ERROR: Schema = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message"],
            "properties": {"code": _TEXT, "message": _TEXT},
        }
    },
}
_REFUSALS = {
    "400": "A field is missing, unknown or of another type; the message names it",
    "401": "The token or key is missing or unknown",
    "403": "The caller may not do this",
    "404": "There is no such model, release, story or event",
    "409": "The present state forbids the request; the message has the reason",
    "413": f"The body is over {MAX_BODY} bytes",
    "429": "The caller sent more than the limits allow; `Retry-After` has the seconds to wait",
    "502": "Azure, or this machine, did not do what the app asked",
}


def describe(routes: Iterable[Route]) -> dict[str, Any]:
    """Return the document of these routes."""
    paths: dict[str, dict[str, Any]] = {}
    for method, route, respond in routes:
        paths.setdefault(f"/{route}", {})[method.lower()] = _operation(route, respond)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Event-driven MLOps", "version": "1"},
        "servers": [{"url": "/api"}],
        "paths": paths,
        "components": {
            "schemas": {"Error": _ERROR},
            "securitySchemes": {
                "person": {"type": "http", "scheme": "bearer"},
                "functionKey": {"type": "apiKey", "in": "header", "name": "x-functions-key"},
            },
        },
    }


def answer_with(document: dict[str, Any]) -> Respond:
    """Return a handler that answers with the document."""

    async def get_openapi(invocation: Invocation, request: Request) -> Answer:
        """Describe this API."""
        return Answer(status=200, content=document)

    return get_openapi


def _operation(route: str, respond: Respond) -> dict[str, Any]:
    name = respond.__name__
    parameters = [
        {"name": part, "in": "path", "required": True, "schema": _ID}
        for part in re.findall(r"{(\w+)}", route)
    ]
    parameters += [
        {"name": key, "in": "query", "required": False, "schema": schema}
        for key, schema in _QUERIES.get(name, {}).items()
    ]
    operation: dict[str, Any] = {
        "operationId": name,
        "summary": (respond.__doc__ or "").split("\n")[0],
        "parameters": parameters,
        "responses": {
            "2XX": {"description": "The request was carried out or accepted"},
            **_refusals(),
        },
    }
    if name in _BODIES:
        content = {"application/json": {"schema": _BODIES[name]}}
        operation["requestBody"] = {"required": name in _NEED_A_BODY, "content": content}
    if name in _BY_PERSON:
        operation["security"] = [{"functionKey": [], "person": []}]
    return operation


def _refusals() -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    return {status: {"description": text, "content": content} for status, text in _REFUSALS.items()}
