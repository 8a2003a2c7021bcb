"""The origin of a version: the facts that only its registration and its publication know."""

from dataclasses import dataclass
from datetime import datetime

from function_app.domain.text import identifiers as ids

# The tag of a version with the reasons of the gate.
VERDICT = "verdict"


@dataclass(frozen=True, slots=True, kw_only=True)
class CausingEvent:
    """The event that started the training of a version."""

    event_key: ids.EventKey
    type: str
    subject: str
    channel: str
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """The facts of a training that its story passes on to the registration.

    `began_at` is the time at which the cause was claimed, None for a training of an earlier version
    of this app. `data_uri` is "" for a training on the newest data; `stored_uri` is the address of
    the stored version of its data, "" for a training of an earlier version of this app. `verdict`
    has the reasons of the gate.
    """

    instance_id: ids.OrEmpty[ids.InstanceId] = ""
    began_at: datetime | None = None
    data_uri: ids.OrEmpty[ids.Address] = ""
    stored_uri: ids.OrEmpty[ids.Address] = ""
    reason: str = ""
    verdict: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The origin of a version, stored by its registration; `event` is None when none was found."""

    registered_at: datetime
    training: Training
    data_version: ids.OrEmpty[ids.DataDigest] = ""
    event: CausingEvent | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedCode:
    """The publication of a version of the code: its repository, branch and first time."""

    repository: str
    branch: str
    published_at: datetime


def causing_event(
    event_key: str, channel: str, received_at: datetime, payload: object
) -> CausingEvent:
    """Return the facts of a stored event in either schema."""
    content = payload if isinstance(payload, dict) else {}
    kind = content.get("type") if "specversion" in content else content.get("eventType")
    return CausingEvent(
        event_key=event_key,
        type=str(kind or ""),
        subject=str(content.get("subject") or ""),
        channel=channel,
        received_at=received_at,
    )
