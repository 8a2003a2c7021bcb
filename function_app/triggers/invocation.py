"""The context of a trigger: its request, the platform, and the stories it may start or wake."""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from function_app.domain.access.audit import AuditEvent
from function_app.domain.access.budgets import Budgets
from function_app.domain.access.proxies import NO_PROXIES, TrustedProxies
from function_app.domain.project import Limits, ModelProject
from function_app.domain.text.plain_text import MAX_DEPTH, is_deeper
from function_app.domain.webhooks.webhook_sources import WebhookSource
from function_app.errors import ContractError
from function_app.ports import Ports, Stories
from function_app.records.recorder import Recorder

MAX_BODY = 1024 * 1024
Content = TypeVar("Content", covariant=True)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer(Generic[Content]):
    """The answer of a trigger: JSON that the codec writes, or bytes of a media type.

    A handler names the type of the content in its return type, from which the OpenAPI document is
    generated: `Done[ReleaseList]`, or `Accepted[Receipts]`.
    """

    content: Content
    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    media_type: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Done(Answer[Content]):
    """The request was carried out."""

    status: int = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted(Answer[Content]):
    """The request is stored; its effect follows."""

    status: int = 202


Respond = Callable[[Invocation, Request], Awaitable[Answer[Any]]]
Route = tuple[str, str, Respond]


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
