"""What every trigger is given: the request, the platform, and the stories it may start or wake."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from function_app.domain.project import Limits, ModelProject
from function_app.errors import ContractError
from function_app.ports import Ports, Stories

MAX_BODY = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Where a trigger works."""

    ports: Ports
    projects: Mapping[str, ModelProject]
    stories: Stories
    limits: Limits
    webhook_secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    topics: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """An HTTP request: route values, query, headers with lower-case names, and the body."""

    route: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    query: Mapping[str, str] = field(default_factory=dict)

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
            return json.loads(self.body, parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            message = f"The body is not JSON: {error}. Send one event or a list of them."
            raise ContractError(message, code="MALFORMED_JSON") from error

    def json_object(self, most: int = MAX_BODY) -> dict[str, Any]:
        """Return the body as an object, {} when there is none, or raise ContractError."""
        if not self.body.strip():
            return {}
        content = self.json(most)
        if not isinstance(content, dict):
            raise ContractError("The body must be a JSON object.")
        return content


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a trigger answers: JSON, or bytes of a media type."""

    status: int
    content: Any
    headers: Mapping[str, str] = field(default_factory=dict)
    media_type: str | None = None


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
