"""The bodies of requests: a dataclass of texts for each kind, read strictly.

The OpenAPI document is generated from these classes. A field without a default is required.
"""

import difflib
import typing
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any, TypeVar

from function_app.domain.text import identifiers as ids
from function_app.domain.text.plain_text import clean
from function_app.domain.text.redaction import redact
from function_app.errors import ContractError
from function_app.triggers.invocation import Request

LONGEST_TEXT = 2000  # characters of an optional text
_SHOWN = {"expected": "the text that GET /api/releases/<id> shows"}
_REQUEST_ID = "text that is not empty and names this request; a repetition of it starts nothing"
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class NoFields:
    """A request without fields; its body is empty or `{}`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """The comment of a person; "" when there is none."""

    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionBody:
    """The digest and the hash that a decision names, and the comment of the person."""

    image_digest: ids.ImageDigest = field(metadata=_SHOWN)
    evidence_hash: ids.Sha256 = field(metadata=_SHOWN)
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingBody:
    """The id of a request for a training, the data, and the build that requests it.

    Without an address it is trained on the newest data. The build and the caller's own run become
    tags of the run and of the version.
    """

    request_id: str = field(metadata={"expected": _REQUEST_ID})
    data_uri: str = ""
    caller_run_id: str = ""
    build_id: str = ""
    build_uri: str = ""


def read_body(request: Request, kind: type[T]) -> T:
    """Return the body as `kind`; a request without a body has no fields.

    ContractError: with the code UNKNOWN_FIELD when the body has a field that `kind` does not have,
    because a misspelt one would be dropped silently; with the code BAD_NAME when a name does not
    match its pattern; and when a field is missing, too long, or no text.
    """
    content = request.json_object()
    known = {entry.name: entry for entry in fields(typing.cast(Any, kind))}
    for name in content:
        if name not in known:
            raise ContractError(_unknown(name, tuple(known)), code="UNKNOWN_FIELD")
    hints = typing.get_type_hints(kind, include_extras=True)
    texts = {
        name: _text(content.get(name), entry, ids.pattern_of(hints[name]))
        for name, entry in known.items()
    }
    return kind(**texts)


def _text(value: Any, entry: Field[Any], pattern: ids.Pattern | None) -> str:
    if entry.default is not MISSING:
        return _optional(value, entry.name)
    if not isinstance(value, str) or not value:
        raise ContractError(f"{entry.name}: expected {entry.metadata['expected']}.")
    return pattern.check(value, entry.name) if pattern else clean(value)


def _optional(value: Any, name: str) -> str:
    """Return a text of at most LONGEST_TEXT characters, "" when it is absent or null."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ContractError(f"{name}: expected text, got {type(value).__name__}.")
    if len(value) > LONGEST_TEXT:
        raise ContractError(f"{name}: {len(value)} characters; at most {LONGEST_TEXT} are allowed.")
    return redact(clean(value))


def _unknown(name: str, allowed: tuple[str, ...]) -> str:
    """Return the sentence that refuses a field and names the nearest known one."""
    if not allowed:
        return f"The body has a field {name[:60]!r}. This request takes no fields."
    near = difflib.get_close_matches(name, allowed, n=1)
    meant = f" Did you mean {near[0]!r}?" if near else ""
    return f"There is no field {name[:60]!r}.{meant} Known fields: {', '.join(allowed)}."
