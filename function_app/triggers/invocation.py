"""The context of a trigger: its request, the platform, and the stories it may start or wake."""

import difflib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from function_app.domain.access.audit import AuditEvent
from function_app.domain.access.budgets import Budgets
from function_app.domain.access.proxies import NO_PROXIES, TrustedProxies
from function_app.domain.project import Limits, ModelProject
from function_app.domain.text.identifiers import Pattern
from function_app.domain.text.plain_text import MAX_DEPTH, clean, is_deeper
from function_app.domain.text.redaction import redact
from function_app.domain.webhooks.webhook_sources import WebhookSource
from function_app.errors import ContractError
from function_app.ports import Ports, Stories
from function_app.records.recorder import Recorder

MAX_BODY = 1024 * 1024


def no_refusals(record: Callable[[AuditEvent], None]) -> None:
    """Record nothing: the refusals of a host that keeps no file of them."""


@dataclass(slots=True, kw_only=True)
class Attempt:
    """Facts of an invocation for the audit log: its caller, its model, refused events.

    On a `keyless` route the host checks no function key, so that a given key proves nothing.
    `once` names the stored decision or order, which has one entry however often it is sent.
    """

    keyless: bool = False
    person: str = ""
    source: str = ""
    model: str = ""
    once: str = ""
    refused: list[AuditEvent] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """The platform and the rules for one invocation; `recorder` is None when nothing is recorded.

    `host_refusals` passes the requests that the host refused since the last call to a recorder.
    """

    ports: Ports
    projects: Mapping[str, ModelProject]
    stories: Stories
    limits: Limits
    webhook_secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    topics: tuple[str, ...] = ()
    sources: Mapping[str, WebhookSource] = field(default_factory=dict)
    budgets: Budgets = field(default_factory=Budgets)
    attempt: Attempt = field(default_factory=Attempt)
    recorder: Recorder | None = None
    host_refusals: Callable[[Callable[[AuditEvent], None]], None] = no_refusals

    def source(self, channel: str) -> WebhookSource | None:
        """Return the scope of a channel's webhook source; None for the app's own channels."""
        if channel in self.webhook_secrets or channel in self.sources:
            return self.sources.get(channel, WebhookSource())
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """An HTTP request: route values, query, headers with lower-case names, and the body.

    `proxies` are the proxies before the app whose entries of X-Forwarded-For are trusted.
    """

    route: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    query: Mapping[str, str] = field(default_factory=dict)
    proxies: TrustedProxies = NO_PROXIES

    def check_size(self, most: int = MAX_BODY) -> None:
        """Raise ContractError when the body is larger than `most` bytes."""
        if len(self.body) > most:
            message = f"The body has {len(self.body)} bytes; {most} are allowed."
            raise ContractError(message, code="TOO_LARGE")

    def json(self, most: int = MAX_BODY) -> Any:
        """Return the body, or raise ContractError."""
        self.check_size(most)
        if not self.body.strip():
            raise ContractError("The body is empty. Send JSON.", code="MALFORMED_JSON")
        try:
            content = json.loads(self.body, parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            message = f"The body is not JSON: {error}. Send one event or a list of them."
            raise ContractError(message, code="MALFORMED_JSON") from error
        if is_deeper(content, MAX_DEPTH):
            text = f"The body is nested deeper than {MAX_DEPTH} levels. Send a flatter one."
            raise ContractError(text, code="MALFORMED_JSON")
        return content

    def json_object(self, most: int = MAX_BODY) -> dict[str, Any]:
        """Return the body as an object, {} when there is none, or raise ContractError."""
        if not self.body.strip():
            return {}
        content = self.json(most)
        if not isinstance(content, dict):
            raise ContractError("The body must be a JSON object.")
        return content

    def fields(self, *allowed: str) -> "Fields":
        """Return the fields of the body; no body has none.

        ContractError, code UNKNOWN_FIELD, when the body has a field that is not allowed: a
        misspelt one would be dropped silently.
        """
        content = self.json_object() if self.body.strip() else {}
        for name in content:
            if name not in allowed:
                raise ContractError(_unknown(name, allowed), code="UNKNOWN_FIELD")
        return Fields(content)


class Fields:
    """The fields of a request's body, read strictly."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        self._content = content

    def text(self, name: str, hint: str) -> str:
        """Return a text that must be there; ContractError with the hint when it is not."""
        value = self._content.get(name)
        if not isinstance(value, str) or not value:
            raise ContractError(f"{name}: expected {hint}.")
        return clean(value)

    def name(self, name: str, pattern: Pattern, hint: str) -> str:
        """Return a name that must be there; ContractError when it does not fit the pattern."""
        if not isinstance(self._content.get(name), str) or not self._content[name]:
            raise ContractError(f"{name}: expected {hint}.")
        return pattern.check(self._content[name], name)

    def optional(self, name: str, most: int = 2000) -> str:
        """Return a text of at most `most` characters, "" when it is absent or null."""
        value = self._content.get(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise ContractError(f"{name}: expected text, got {type(value).__name__}.")
        if len(value) > most:
            raise ContractError(f"{name}: {len(value)} characters; at most {most} are allowed.")
        return redact(clean(value))

    def comment(self) -> str:
        """Return the comment, "" when there is none."""
        return self.optional("comment")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The answer of a trigger: JSON, or bytes of a media type."""

    status: int
    content: Any
    headers: Mapping[str, str] = field(default_factory=dict)
    media_type: str | None = None


def _unknown(name: str, allowed: tuple[str, ...]) -> str:
    """Return the sentence that refuses a field and names the nearest known one."""
    if not allowed:
        return f"The body has a field {name[:60]!r}. This request takes no fields."
    near = difflib.get_close_matches(name, allowed, n=1)
    meant = f" Did you mean {near[0]!r}?" if near else ""
    return f"There is no field {name[:60]!r}.{meant} Known fields: {', '.join(allowed)}."


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
