"""function_app/triggers/openapi.json: the OpenAPI 3.1 document, from the types of the handlers.

msgspec writes the schemas of the types. This module adds their patterns, times and limits, and the
table of errors. The app serves the file, so that it imports no library of schemas.
"""

import json
import re
import typing
from collections.abc import Callable, Iterable, Iterator
from dataclasses import is_dataclass
from datetime import datetime
from functools import cache
from types import UnionType
from typing import Any, Union

import msgspec

from function_app.composition import ANONYMOUS_ROUTES, ROUTES
from function_app.domain.envelopes import (
    CloudEvent,
    GridEvent,
    StoredCloudEvent,
    StoredGridEvent,
)
from function_app.domain.event_types import READERS
from function_app.domain.events.inbox import Outcome
from function_app.domain.stories.views import StepView
from function_app.domain.text import identifiers as ids
from function_app.domain.webhooks.hook_bodies import HOOKS
from function_app.triggers.answers import ErrorAnswer
from function_app.triggers.bodies import (
    LONGEST_TEXT,
    Comment,
    DecisionBody,
    NoFields,
    TrainingBody,
)
from function_app.triggers.http.http_api import MAX_EVENTS
from function_app.triggers.http.reports import MAX_TAIL
from function_app.triggers.invocation import MAX_BODY, Accepted
from function_app.triggers.metrics import MEDIA_TYPE
from function_app.triggers.pages import DEFAULT_LIMIT, MOST
from function_app.triggers.webhooks import FORM

DOCUMENT = "function_app/triggers/openapi.json"
JSON = "application/json"
Schema = dict[str, Any]

BODIES: dict[str, type] = {
    "post_training": TrainingBody,
    "post_approval": DecisionBody,
    "post_rejection": DecisionBody,
    "post_withdrawal": Comment,
    "post_roll_back": Comment,
    "post_shutdown": Comment,
    "post_cancel": Comment,
    "post_rotation": Comment,
    "post_retry": NoFields,
    "post_replay": NoFields,
    "post_platform": NoFields,
    "post_reconciliation": NoFields,
    "post_drift_check": NoFields,
    "post_reproduction": NoFields,
}
SVG = "image/svg+xml"
# The media types of answers that are no JSON.
MEDIA = {
    "get_metrics": (MEDIA_TYPE,),
    "get_run_log": ("text/plain",),
    "get_report": ("text/plain", "text/xml", "text/html", SVG),
    "get_evidence_file": ("text/html", "text/markdown", SVG, JSON),
    "get_openapi": (JSON,),
}
PATH: dict[str, ids.Pattern] = {
    "event_key": ids.EVENT_KEY,
    "instance_id": ids.INSTANCE_ID,
    "model": ids.MODEL,
    "name": ids.FILE,
    "part": ids.PART,
    "release_id": ids.RELEASE_ID,
    "run_id": ids.RUN_ID,
    "version": ids.VERSION,
}
_PAGE: dict[str, Schema] = {
    "limit": {"type": "integer", "minimum": 1, "maximum": MOST, "default": DEFAULT_LIMIT},
    "after": {"type": "string"},
}
QUERIES: dict[str, dict[str, Schema]] = {
    "delete_part": {"sure": {"type": "string"}},
    "get_releases": _PAGE,
    "get_run_log": {"tail": {"type": "integer", "minimum": 1, "maximum": MAX_TAIL}},
    "get_events": {"outcome": {"type": "string", "enum": ["", *Outcome]}, **_PAGE},
    "get_audit": {
        "model": {"type": "string"},
        "person": {"type": "string"},
        "since": {"type": "string", "format": "date-time"},
        **_PAGE,
    },
    "get_audit_check": {
        "after": {"type": "integer", "minimum": 0},
        "anchor": {"type": "string"},
    },
}
BY_PERSON = frozenset(
    {
        *("post_approval", "post_rejection", "post_withdrawal"),
        *("post_roll_back", "post_shutdown", "post_cancel"),
        *("get_audit", "get_audit_check", "post_rotation", "delete_part"),
    }
)
# A token is not required; a wrong one is refused.
MAY_NAME_A_PERSON = frozenset({"post_training", "post_retry", "post_replay"})
_EVENTS = frozenset({"post_events", "post_webhook"})
# These ask Durable alone, or no service.
_ASK_NO_PORT = frozenset(
    {"options_events", "get_openapi", "get_instance", "post_drift_check", "post_reconciliation"}
)
# Answers that may have more fields than their types, with the schema of these fields.
OPEN: dict[type, Schema | bool] = {
    StepView: {"type": "string"},
    StoredGridEvent: True,
    StoredCloudEvent: True,
}
ERRORS = {
    400: "A field is missing, unknown or of another type; the message names it",
    401: "The token or key is missing or unknown; a host that refuses a key sends no content",
    403: "The caller may not do this",
    404: "There is no such model, release, run, story or event",
    409: "The present state forbids the request; the message has the reason",
    413: f"The body is over {MAX_BODY} bytes",
    429: "The caller sent more than the limits allow; `Retry-After` has the seconds to wait",
    502: "Azure, or this machine, did not do what the app asked",
}


def page() -> str:
    """Return the document as the text of the file."""
    return json.dumps(document(), indent=1, ensure_ascii=False) + "\n"


def document() -> Schema:
    """Return the OpenAPI document of the table of routes."""
    routes = (*ROUTES, *ANONYMOUS_ROUTES)
    answers = {respond: tuple(_answers(respond)) for _, _, respond in routes}
    kinds = [kind for each in answers.values() for _, kind in each if kind is not bytes]
    schemas = _Schemas([*kinds, *BODIES.values(), GridEvent, CloudEvent, *HOOKS, ErrorAnswer])
    paths: dict[str, Schema] = {}
    for method, route, respond in routes:
        operation = _operation(route, respond.__name__, respond.__doc__ or "")
        operation["responses"] = {
            **{str(s): schemas.response(respond.__name__, s, k) for s, k in answers[respond]},
            **{str(s): schemas.refusal(ERRORS[s]) for s in errors(route, respond.__name__)},
        }
        if (body := schemas.body(respond.__name__)) is not None:
            operation["requestBody"] = body
        paths.setdefault(f"/{route}", {})[method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": "Event-driven MLOps", "version": "1"},
        "servers": [{"url": "/api"}],
        "security": [{"functionKey": []}],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(schemas.components.items())),
            "securitySchemes": {
                "person": {"type": "http", "scheme": "bearer"},
                "functionKey": {"type": "apiKey", "in": "header", "name": "x-functions-key"},
            },
        },
    }


def errors(route: str, name: str) -> list[int]:
    """Return the statuses of the errors that an operation may answer."""
    reads = name in BODIES or name in _EVENTS
    # A person without an approval has nothing to withdraw: 409.
    forbids = (*(BY_PERSON - {"post_withdrawal"}), *_EVENTS, "options_events")
    conflicts = (
        *_EVENTS,
        *(BY_PERSON - {"get_audit", "get_audit_check"}),
        "post_retry",
    )
    may = {
        400: reads or (name in QUERIES and name != "delete_part"),
        401: True,
        403: name in forbids,
        404: "{" in route or name in _EVENTS,
        409: name in conflicts,
        413: reads,
        429: name in (*_EVENTS, "post_training"),
        502: name not in _ASK_NO_PORT,
    }
    return [status for status, possible in may.items() if possible]


def _operation(route: str, name: str, text: str) -> Schema:
    parameters = [
        {"name": part, "in": "path", "required": True, "schema": _named(PATH.get(part))}
        for part in re.findall(r"{(\w+)}", route)
    ]
    parameters += [
        {"name": key, "in": "query", "required": False, "schema": schema}
        for key, schema in QUERIES.get(name, {}).items()
    ]
    operation: Schema = {
        "operationId": name,
        "summary": text.split("\n")[0],
        "parameters": parameters,
    }
    if name in BY_PERSON:
        operation["security"] = [{"functionKey": [], "person": []}]
    if any(route == anonymous for _, anonymous, _ in ANONYMOUS_ROUTES):
        operation["security"] = []
    return operation


def _answers(respond: Callable[..., object]) -> Iterator[tuple[int, object]]:
    """Yield each status of success with the type of its content."""
    annotation = typing.get_type_hints(respond)["return"]
    single = isinstance(typing.get_origin(annotation), type)
    one_or_more = [annotation] if single else typing.get_args(annotation)
    for answer in one_or_more:
        [content] = typing.get_args(answer)
        yield (202 if typing.get_origin(answer) is Accepted else 200), content


class _Schemas:
    """The schemas of types, by name in `components`."""

    def __init__(self, kinds: Iterable[object]) -> None:
        # A class in a union stands beside the union, because msgspec is not given the union.
        kinds = list(dict.fromkeys([*kinds, *_classes(kinds)]))
        references, components = msgspec.json.schema_components(
            [_reduced(kind) for kind in kinds], ref_template="#/components/schemas/{name}"
        )
        self._references = dict(zip(kinds, references, strict=True))
        self.components: dict[str, Schema] = components
        read = {*BODIES.values(), GridEvent, CloudEvent, *_classes(HOOKS)}
        for kind in set(_classes(kinds)):
            schema = components[kind.__name__]
            for name, hint in typing.get_type_hints(kind).items():
                if union := _union(hint):
                    schema["properties"][name] = self._any_of(*union)
            _refine(kind, schema, is_answer=kind not in read)
        for name, key in (("GridEvent", "eventType"), ("CloudEvent", "type")):
            components[name]["properties"][key]["enum"] = sorted(READERS)

    def response(self, name: str, status: int, kind: object) -> Schema:
        """Return the response of a success."""
        text = (
            "The request is stored; its effect follows"
            if status == 202
            else "The request was carried out"
        )
        if kind is not bytes:
            schema = self._any_of(*_union(kind)) if _union(kind) else self._references[kind]
            return {"description": text, "content": {JSON: {"schema": schema}}}
        schemas = {
            media: {"type": "object" if media == JSON else "string"} for media in MEDIA[name]
        }
        content = {media: {"schema": schema} for media, schema in schemas.items()}
        return {"description": text, "content": content}

    def refusal(self, text: str) -> Schema:
        """Return the response of an error."""
        schema = self._references[ErrorAnswer]
        return {"description": text, "content": {JSON: {"schema": schema}}}

    def body(self, name: str) -> Schema | None:
        """Return the request body of an operation, None when it takes none."""
        if name in _EVENTS:
            one = self._any_of(GridEvent, CloudEvent)
            several = {"type": "array", "minItems": 1, "maxItems": MAX_EVENTS, "items": one}
            content: Schema = {JSON: {"schema": {"anyOf": [one, several]}}}
            if name == "post_webhook":
                content[JSON]["schema"]["anyOf"].append(self._any_of(*HOOKS))
                payload = {"type": "string", "contentMediaType": JSON}
                form = {"type": "object", "properties": {"payload": payload}}
                content[FORM] = {"schema": {**form, "required": ["payload"]}}
            return {"required": True, "content": content}
        kind = BODIES.get(name)
        if kind is None:
            return None
        schema = self._references[kind]
        required = bool(self.components[kind.__name__].get("required"))
        return {"required": required, "content": {JSON: {"schema": schema}}}

    def _any_of(self, *kinds: object) -> Schema:
        others = [kind for kind in kinds if kind not in self._references]
        schemas = [self._references[kind] for kind in kinds if kind in self._references]
        return {"anyOf": schemas + [msgspec.json.schema(kind) for kind in others]}


def _classes(kinds: Iterable[object]) -> Iterator[type]:
    """Yield the classes with fields in these types, also those of fields of fields."""
    for kind in kinds:
        if _has_fields(kind):
            yield typing.cast(type, kind)
            yield from _classes(typing.get_type_hints(kind).values())
        else:
            yield from _classes(typing.get_args(kind))


def _has_fields(kind: object) -> bool:
    return is_dataclass(kind) or typing.is_typeddict(kind)


def _union(hint: object) -> tuple[object, ...]:
    """Return the parts of a union with several classes with fields; () for another type."""
    parts = typing.get_args(hint) if typing.get_origin(hint) in (Union, UnionType) else ()
    return parts if sum(map(_has_fields, parts)) > 1 else ()


def _reduced(hint: object) -> object:
    """Return the type with `str` for each such union, because msgspec refuses them."""
    if _union(hint):
        return str
    if typing.is_typeddict(hint):
        return _reduced_class(hint)
    parts = typing.get_args(hint)
    reduced = tuple(map(_reduced, parts))
    if reduced == parts:
        return hint
    origin = typing.get_origin(hint)
    assert origin is not None
    return Union[reduced] if origin is UnionType else origin[reduced]  # noqa: UP007


@cache
def _reduced_class(kind: object) -> object:
    hints = typing.get_type_hints(kind, include_extras=True)
    reduced = {name: _reduced(hint) for name, hint in hints.items()}
    if reduced == hints:
        return kind
    made = typing.TypedDict(kind.__name__, reduced)  # type: ignore[misc]
    made.__doc__, made.__module__ = kind.__doc__, kind.__module__
    return made


def _refine(kind: type, schema: Schema, *, is_answer: bool) -> None:
    """Add facts that msgspec does not know: times, patterns, and that an answer has all fields."""
    hints = typing.get_type_hints(kind, include_extras=True)
    for name, form in schema["properties"].items():
        form.pop("default", None)
        if datetime in _parts(hints[name]):
            for each in form.get("anyOf", [form]):
                if each["type"] == "string":
                    each["format"] = "date-time"
        if not is_answer and form == {"type": "string"} and is_dataclass(kind):
            form |= _named(ids.pattern_of(hints[name])) | {"minLength": 1}
            if name not in schema["required"]:
                form |= {"type": ["string", "null"], "maxLength": LONGEST_TEXT, "minLength": 0}
    if is_answer:
        optional: frozenset[str] = getattr(kind, "__optional_keys__", frozenset())
        schema["required"] = sorted(schema["properties"].keys() - optional)
    if is_answer or is_dataclass(kind):
        schema["additionalProperties"] = OPEN.get(kind, False)


def _parts(hint: object) -> set[object]:
    return {hint, *(part for argument in typing.get_args(hint) for part in _parts(argument))}


def _named(pattern: ids.Pattern | None) -> Schema:
    """Return the schema of a name: its words, and its pattern where that is an expression."""
    if pattern is None:
        return {"type": "string"}
    schema: Schema = {"type": "string", "description": f"Expected: {pattern.words}."}
    expression = getattr(getattr(pattern.accepts, "__self__", None), "pattern", None)
    return {**schema, "pattern": f"^(?:{expression})$"} if expression else schema
