"""The request and the report of a comparison of production with the training data."""

from dataclasses import dataclass
from datetime import datetime

from function_app.domain.drift.drift import ColumnEvidence, Evidence
from function_app.domain.drift.observations import Watched
from function_app.domain.drift.retraining import (
    Alarm,
    DriftPolicy,
    DriftState,
    Judgement,
    Verdict,
    cooldown_until,
    recent_alarms,
)
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


def make_report(
    request: WatchRequest,
    watched: Watched,
    state: DriftState,
    evidence: Evidence,
    judgement: Judgement,
    now: datetime,
) -> DriftReport:
    """Return the report of a comparison of this champion."""
    return DriftReport(
        model=request.model,
        at=now,
        verdict=judgement.verdict,
        reason=judgement.reason,
        version=watched.version,
        since=state.since,
        rows=evidence.rows,
        labelled=sum(block.labels.rows for block in state.blocks),
        unmatched=state.unmatched,
        e_value=evidence.e_value,
        threshold=evidence.threshold,
        columns=evidence.columns,
        report_id=judgement.alarm.report_id if judgement.alarm else "",
        retrainings_left=_left(state, request.policy, now),
        cooldown_until=cooldown_until(state, request.policy),
        last_alarm=state.alarms[-1] if state.alarms else None,
    )


def _left(state: DriftState, policy: DriftPolicy, now: datetime) -> int:
    return max(0, policy.max_retrainings - len(recent_alarms(state, policy, now)))
