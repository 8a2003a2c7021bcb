"""Both Event Grid schemas become one envelope.

Sources: Event Grid documentation, "Event Grid event schema"; CloudEvents 1.0.2, JSON format.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NotRequired, TypedDict

from function_app.errors import ContractError

# Any JSON object; the readers of event_types check the fields that they need.
EventData = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """An event as Event Grid delivers it, in one form for both of its schemas."""

    id: str
    source: str
    type: str
    subject: str
    data: EventData


class GridEvent(TypedDict):
    """An event in the schema of Event Grid."""

    id: str
    subject: str
    eventType: str
    data: EventData
    topic: NotRequired[str]
    eventTime: NotRequired[str]
    dataVersion: NotRequired[str]


class CloudEvent(TypedDict):
    """An event of CloudEvents 1.0; extension attributes are allowed."""

    specversion: Literal["1.0"]
    id: str
    source: str
    type: str
    data: EventData
    subject: NotRequired[str]


class StoredGridEvent(TypedDict):
    """A stored event in the schema of Event Grid, with all fields that it was sent with."""

    id: str
    subject: str
    eventType: str
    data: EventData


class StoredCloudEvent(TypedDict):
    """A stored event of CloudEvents 1.0, with all attributes that it was sent with."""

    specversion: Literal["1.0"]
    id: str
    source: str
    type: str
    data: EventData


def read_envelope(payload: Any) -> Envelope:
    """Return the event of an EventGridSchema or CloudEvents 1.0 object."""
    if not isinstance(payload, Mapping):
        raise ContractError("An event must be a JSON object.")
    cloud = "specversion" in payload
    schema = CloudEvent if cloud else GridEvent
    if cloud and payload["specversion"] != "1.0":
        raise ContractError(f"specversion: expected 1.0, got {payload['specversion']!r}.")
    source, kind = ("source", "type") if cloud else ("topic", "eventType")
    texts = (key for key, form in schema.__annotations__.items() if form is str)
    for key in texts:
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
