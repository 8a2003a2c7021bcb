"""The request and the report of a comparison of production with the training data."""

from dataclasses import dataclass
from datetime import datetime

from function_app.domain.drift.drift import ColumnEvidence
from function_app.domain.drift.retraining import Alarm, DriftPolicy, Verdict
from function_app.domain.text import identifiers as ids


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchRequest:
    """Compare the requests of this model since the last comparison."""

    model: ids.ModelName
    policy: DriftPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftReport:
    """The present evidence and its effect.

    `report_id` names an alarm whose event is to be published. Without a champion, or without its
    training data, there is nothing to compare.
    """

    model: ids.ModelName
    at: datetime
    verdict: Verdict
    reason: str
    version: ids.OrEmpty[ids.Version] = ""
    since: datetime | None = None
    rows: int = 0
    labelled: int = 0
    unmatched: int = 0
    e_value: float = 1.0
    threshold: float = 0.0
    columns: tuple[ColumnEvidence, ...] = ()
    report_id: ids.OrEmpty[ids.Opaque] = ""
    retrainings_left: int = 0
    cooldown_until: datetime | None = None
    last_alarm: Alarm | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftAnnouncement:
    """Publish the alarm of this report."""

    model: ids.ModelName
    report_id: ids.Opaque


def watch_id(model: str) -> str:
    """Return the id of the one instance that watches a model."""
    return f"watch-{model}"


def drift_name(model: str) -> str:
    """Return the name of the ledger's record with the state of the test and the last report."""
    return f"drift/{model}"
