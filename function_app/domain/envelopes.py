"""Both Event Grid schemas become one envelope.

Sources: Event Grid documentation, "Event Grid event schema"; CloudEvents 1.0.2, JSON format.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from function_app.errors import ContractError


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """An event as Event Grid delivers it, in one form for both of its schemas."""

    id: str
    source: str
    type: str
    subject: str
    data: dict[str, Any]


def read_envelope(payload: Any) -> Envelope:
    """Return the event of an EventGridSchema or CloudEvents 1.0 object."""
    if not isinstance(payload, Mapping):
        raise ContractError("An event must be a JSON object.")
    cloud = "specversion" in payload
    if cloud and payload["specversion"] != "1.0":
        raise ContractError(f"specversion: expected 1.0, got {payload['specversion']!r}.")
    source, kind = ("source", "type") if cloud else ("topic", "eventType")
    required = ("id", kind) + (("source",) if cloud else ("subject",))
    for key in required:
        if not isinstance(payload.get(key), str) or not payload[key]:
            raise ContractError(f"{key}: expected text that is not empty.")
    data = payload.get("data")
    if not isinstance(data, dict):
        raise ContractError("data: expected an object.")
    # The documentation's sample of RunStatusChanged has the status beside the data.
    if "runStatus" in payload and "runStatus" not in data:
        data = {**data, "runStatus": payload["runStatus"]}
    return Envelope(
        id=payload["id"],
        source=str(payload.get(source) or ""),
        type=payload[kind],
        subject=str(payload.get("subject") or ""),
        data=data,
    )
