"""Watching production: its requests are weighed against the training data."""

import json
from dataclasses import replace
from datetime import datetime

from function_app.domain.codec import dump, load
from function_app.domain.drift import drift, retraining
from function_app.domain.drift.drift import Evidence
from function_app.domain.drift.observations import Reference, Watched
from function_app.domain.drift.retraining import DriftState, Judgement, Verdict
from function_app.domain.drift.watching import (
    DriftAnnouncement,
    DriftReport,
    WatchRequest,
    drift_name,
    make_report,
)
from function_app.domain.event_types import DRIFT_DETECTED
from function_app.domain.reconciliation import Finding, FindingKind
from function_app.errors import NotFoundError
from function_app.ports import Ports

GONE = "Its training data is gone or was changed. Train and release the model again."


def observe(ports: Ports, request: WatchRequest) -> DriftReport:
    """Add the new observations to the test and judge; notify people when they must act.

    While an alarm waits for its publication, no observations are added, so that a repetition
    returns the alarm of the first call.
    """
    now = ports.clock.now()
    watched = _watched(ports, request.model)
    reference = ports.observations.reference(watched) if watched else None
    if watched is None or reference is None:
        why = GONE if watched else "Production serves no known version."
        return _nothing(ports, request.model, why, now)
    state = _observed(ports, request, reference, now)
    evidence = drift.weigh(reference, state.blocks, request.policy.alpha)
    if state.pending is None:
        state = retraining.follow(state, evidence, request.policy, now)
    judgement = _judge(ports, request, reference, state, evidence, now)
    if judgement.verdict.needs_people and judgement.verdict is not state.told:
        ports.notifier.report_findings((_finding(request.model, judgement),))
        state = replace(state, told=judgement.verdict)
    state = _report_ranges(ports, request.model, state)
    state = replace(state, pending=judgement.alarm)
    report = make_report(request, watched, state, evidence, judgement, now)
    if judgement.verdict is Verdict.UNCONFIRMED:
        state = retraining.restart(state, watched.digest, now)
    _save(ports, request.model, state, report)
    return report


def announce(ports: Ports, announcement: DriftAnnouncement) -> None:
    """Publish the waiting alarm, then begin another test; idempotent by the event's cause."""
    model, state = announcement.model, _load_state(ports, announcement.model)
    if state is None or state.pending is None or state.pending.report_id != announcement.report_id:
        return
    content: dict[str, object] = {
        "model": model,
        "reportId": state.pending.report_id,
        "reason": state.pending.reason,
    }
    ports.events.publish(DRIFT_DETECTED, f"models/{model}/drift", content)
    raised = retraining.acknowledge(state, announcement.report_id, ports.clock.now())
    _save(ports, model, raised, None)


def _observed(
    ports: Ports, request: WatchRequest, reference: Reference, now: datetime
) -> DriftState:
    """Return the state of the champion's test with the new observations in it."""
    watched = reference.watched
    state = _load_state(ports, request.model)
    if state is None or state.digest != watched.digest:
        state = retraining.restart(state, watched.digest, now)
    return state if state.pending else _observe(ports, request, reference, state)


def _judge(
    ports: Ports,
    request: WatchRequest,
    reference: Reference,
    state: DriftState,
    evidence: Evidence,
    now: datetime,
) -> Judgement:
    """Return the verdict on the evidence; an alarm that waits for its publication stays."""
    newest = ports.datasets.latest(request.model).version
    if alarm := state.pending:
        return Judgement(verdict=Verdict.RETRAIN, reason=alarm.reason, alarm=alarm)
    return retraining.judge(state, evidence, reference, newest, request.policy, now)


def _observe(
    ports: Ports, request: WatchRequest, reference: Reference, state: DriftState
) -> DriftState:
    policy = request.policy
    allowed = drift.allowed_error(reference, policy.label_margin, policy.alpha, state.early)
    batch = ports.observations.read(reference, state.cursor, allowed, policy.rows_per_request)
    if batch.complaints:
        kind = FindingKind.UNREADABLE_LABELS
        findings = [Finding(kind=kind, subject=request.model, detail=c) for c in batch.complaints]
        ports.notifier.report_findings(tuple(findings))
    return retraining.add(state, batch, policy)


def _report_ranges(ports: Ports, model: str, state: DriftState) -> DriftState:
    """Notify people of columns with values out of range, once for each column and champion."""
    new = [name for name in sorted(state.out_of_range) if name not in state.told_columns]
    if not new:
        return state
    detail = (
        "Requests had values far outside of the training data: "
        + ", ".join(f"{name} ({state.out_of_range[name]})" for name in new)
        + ". They are left out of the test for drift. Check the units and the callers' input."
    )
    kind = FindingKind.VALUES_OUT_OF_RANGE
    ports.notifier.report_findings((Finding(kind=kind, subject=model, detail=detail),))
    return replace(state, told_columns=(*state.told_columns, *new))


def _watched(ports: Ports, model: str) -> Watched | None:
    served = ports.production.champion(model)
    if served is None:
        return None
    try:
        version = ports.registry.get(model, served.version)
    except NotFoundError:
        return None
    return Watched(
        model=model,
        version=version.version,
        digest=served.digest,
        run_id=version.run_id,
        dataset_version=ports.jobs.get(version.run_id).dataset_version,
        model_uri=version.uri,
    )


def _finding(model: str, judgement: Judgement) -> Finding:
    is_loop = judgement.verdict is Verdict.LOOP
    kind = FindingKind.FEEDBACK_LOOP if is_loop else FindingKind.UNANSWERED_DRIFT
    return Finding(kind=kind, subject=model, detail=judgement.reason)


def _nothing(ports: Ports, model: str, why: str, now: datetime) -> DriftReport:
    report = DriftReport(model=model, at=now, verdict=Verdict.QUIET, reason=why)
    _save(ports, model, _load_state(ports, model), report)
    return report


def _load_state(ports: Ports, model: str) -> DriftState | None:
    record = ports.ledger.get_record(drift_name(model))
    return load(DriftState, json.loads(record["state"])) if record and "state" in record else None


def _save(ports: Ports, model: str, state: DriftState | None, report: DriftReport | None) -> None:
    """Store state and report; without a new report the last one stays."""
    before = ports.ledger.get_record(drift_name(model)) or {}
    content = {"report": json.dumps(dump(report))} if report else {}
    if state is not None:
        content["state"] = json.dumps(dump(state), separators=(",", ":"))
    ports.ledger.save_record(drift_name(model), {**before, **content})
