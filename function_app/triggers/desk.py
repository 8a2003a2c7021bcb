"""What every trigger is given: the request, the platform, and the stories it may start or wake."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from function_app.domain.project import ModelProject
from function_app.errors import ContractError
from function_app.ports import Ports

MAX_BODY = 1024 * 1024


class Stories(Protocol):
    """The Durable client, as far as triggers use it."""

    async def start(self, story: str, instance_id: str, argument: Any) -> None:
        """Start an instance; its id must not be in use."""

    async def wake(self, instance_id: str, event: str) -> None:
        """Raise an external event; nothing happens when the instance has ended."""

    async def find(self, instance_id: str) -> dict[str, Any] | None:
        """Return the state of an instance."""

    async def list(self) -> list[dict[str, Any]]:
        """Return the state of every instance, newest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Where a trigger works."""

    ports: Ports
    projects: Mapping[str, ModelProject]
    stories: Stories
    webhook_secrets: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """An HTTP request: route values, headers with lower-case names, and the body."""

    route: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    def check_size(self) -> None:
        """Raise ContractError when the body is larger than any event may be."""
        if len(self.body) > MAX_BODY:
            message = f"The body has {len(self.body)} bytes; {MAX_BODY} are allowed."
            raise ContractError(message, code="TOO_LARGE")

    def json(self) -> Any:
        """Return the body, or raise ContractError."""
        self.check_size()
        try:
            return json.loads(self.body)
        except ValueError as error:
            message = f"The body is not JSON: {error}. Send one event or a list of them."
            raise ContractError(message, code="MALFORMED_JSON") from error

    def json_object(self) -> dict[str, Any]:
        """Return the body as an object, or raise ContractError."""
        content = self.json()
        if not isinstance(content, dict):
            raise ContractError("The body must be a JSON object.")
        return content


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a trigger answers."""

    status: int
    content: Any
