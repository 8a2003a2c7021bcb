"""Activities that compare ledger, histories and platforms, and repair safe differences."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime

from function_app import steps
from function_app.domain.codec import dump
from function_app.domain.event_types import MODEL_REGISTERED
from function_app.domain.reconciliation import (
    FINDINGS,
    RECENT,
    Finding,
    FindingKind,
    ModelName,
    ReconcileReport,
    ReconcileRequest,
    StoryState,
    dead_releases,
    judge_champion,
    judge_serving,
    judge_stories,
    lost_runs,
    orphaned_staging,
    owners,
    unreleased,
)
from function_app.domain.release.release import ReleaseRecord, ReleaseStatus
from function_app.domain.release.serving import STAGING_LIFE
from function_app.domain.stories.views import StoryView
from function_app.domain.text.payload_limits import shorten
from function_app.domain.training import ModelVersion, Run, is_own, run_id
from function_app.errors import MlopsError
from function_app.ports import Ports, Stories
from function_app.records.accounts import record_missing
from function_app.records.audit import AuditLog
from function_app.records.changes import Changes
from function_app.records.damage import REMEDY, damaged_rows
from function_app.records.decisions import Decisions


@steps.compare_records.story_activity
async def compare_records(
    ports: Ports, request: ReconcileRequest, stories: Stories
) -> ReconcileReport:
    """Compare the histories with the ledger and with the platform's runs and deployments."""
    now = ports.clock.now()
    listed = [_state(view, now) for view in await stories.list(now - RECENT)]
    findings = judge_stories(listed, now)
    records, runs = ports.ledger.list_releases(), list[Run]()
    findings += _try("list runs", lambda: _list_runs(ports, runs))
    # Each story is read by itself, because the list is old by now and may be incomplete.
    views = [await stories.find(owner) for owner in sorted(owners(records, runs))]
    states = {view["instance_id"]: _state(view, now) for view in views if view}
    findings += _settle_releases(ports, records, states)
    findings += _try("cancel runs", lambda: _cancel_runs(ports, runs, states))
    findings += _try("list staging", lambda: _remove_staging(ports))
    findings += _try("list foreign deployments in staging", lambda: _foreign_staging(ports))
    findings += _try("list the inbox", lambda: _unreadable(ports))
    findings += _try("read the records", lambda: _damaged_records(ports))
    return ReconcileReport(findings=tuple(findings))


@steps.compare_platform.activity
def compare_platform(ports: Ports, name: ModelName) -> ReconcileReport:
    """Compare the registry and production of a model with its releases."""
    findings = _try(
        f"read the registry of {name.model}", lambda: _compare_versions(ports, name.model)
    )
    findings += _try(
        f"read production of {name.model}", lambda: _compare_champion(ports, name.model)
    )
    findings += _try(
        f"repair production of {name.model}", lambda: _repair_serving(ports, name.model)
    )
    findings += _try(f"ask production of {name.model}", lambda: _open_production(ports, name.model))
    findings += _try(f"read records of {name.model}", lambda: _damaged_rows(ports, name.model))
    findings += _try(f"record decisions on {name.model}", lambda: _late_entries(ports, name.model))
    return ReconcileReport(findings=tuple(findings))


@steps.keep_findings.activity
def keep_findings(ports: Ports, report: ReconcileReport) -> None:
    """Store the report; notify people of its new findings that were not repaired."""
    stored = ports.ledger.get_record(FINDINGS)
    before = (
        {(f["kind"], f["subject"]) for f in json.loads(stored["report"])["findings"]}
        if stored
        else set()
    )
    content = {"at": str(dump(ports.clock.now())), "report": json.dumps(dump(report))}
    fresh = [f for f in report.findings if not f.repaired and (f.kind, f.subject) not in before]
    if fresh:
        ports.notifier.report_findings(tuple(fresh))
    ports.ledger.save_record(FINDINGS, content)


def _try(action: str, compare: Callable[[], Iterator[Finding]]) -> list[Finding]:
    """Return the findings of one comparison, so that its error does not hide the others.

    A platform that does not answer is a finding itself.
    """
    try:
        return list(compare())
    except MlopsError as error:
        return [Finding(kind=FindingKind.UNREACHABLE, subject=action, detail=error.message)]


def _list_runs(ports: Ports, runs: list[Run]) -> Iterator[Finding]:
    """Add the recent runs to the list; this gives no findings."""
    runs += ports.jobs.list_runs(ports.clock.now() - RECENT)
    return iter(())


def _settle_releases(
    ports: Ports, records: Iterable[ReleaseRecord], states: dict[str, StoryState]
) -> list[Finding]:
    now, findings = ports.clock.now(), []
    for record in dead_releases(records, states, now):
        story = states.get(record.release.release_id)
        reasons = (story.detail if story and story.detail else "Its story was ended from outside.",)
        ended = replace(record, status=ReleaseStatus.FAILED, reasons=reasons, updated_at=now)
        ports.ledger.save_release(ended)
        subject = record.release.release_id
        detail = (
            f"It was {record.status}; now failed. {reasons[0]} Production is as the last decision "
            f"left it. `mlopsctl retry {subject}` releases the version again; if none of your "
            "people ended the story, rotate the keys of Durable (docs/how-to/operate.md)."
        )
        kind = FindingKind.DEAD_RELEASE
        findings.append(Finding(kind=kind, subject=subject, detail=detail, repaired=True))
    return findings


def _cancel_runs(
    ports: Ports, runs: Iterable[Run], states: dict[str, StoryState]
) -> Iterator[Finding]:
    for run in lost_runs(runs, states):
        detail = f"{run.tags['instance_id']} waits for it no more; it was cancelled."
        ports.jobs.cancel(run.run_id, detail)
        kind = FindingKind.LOST_RUN
        yield Finding(kind=kind, subject=run.run_id, detail=detail, repaired=True)


def _remove_staging(ports: Ports) -> Iterator[Finding]:
    records = {r.release.release_id: r for r in ports.ledger.list_releases()}
    orphaned = orphaned_staging(ports.staging.list_releases(), records)
    for release_id in orphaned:
        ports.staging.remove(release_id)
        detail = "The release has ended; its deployment in staging was removed."
        kind = FindingKind.ORPHANED_STAGING
        yield Finding(kind=kind, subject=release_id, detail=detail, repaired=True)
    for release_id in ports.staging.expired(ports.clock.now()):
        if release_id not in orphaned:
            ports.staging.remove(release_id)
            detail = (
                f"Its {STAGING_LIFE.days} days in staging are over; its deployment was removed."
            )
            kind = FindingKind.EXPIRED_STAGING
            yield Finding(kind=kind, subject=release_id, detail=detail, repaired=True)


def _foreign_staging(ports: Ports) -> Iterator[Finding]:
    for name in ports.staging.list_foreign():
        detail = (
            "It is named like a deployment of this app, which did not make it and leaves it "
            "alone. Rename or delete it."
        )
        yield Finding(kind=FindingKind.FOREIGN_STAGING, subject=name, detail=detail)


def _unreadable(ports: Ports) -> Iterator[Finding]:
    for text in ports.datasets.list_unreadable():
        name, _, detail = text.partition(": ")
        yield Finding(kind=FindingKind.UNREADABLE_FILE, subject=name, detail=detail)


def _damaged_records(ports: Ports) -> Iterator[Finding]:
    kind = FindingKind.DAMAGED_RECORD
    for name, problem in (*ports.ledger.list_damaged(), *ports.inbox.list_damaged()):
        yield Finding(kind=kind, subject=name, detail=f"{problem} {REMEDY}")
    for name, problem in AuditLog(ports.rows).damaged():
        detail = f"{problem} `mlopsctl audit verify` checks the whole log. {REMEDY}"
        yield Finding(kind=kind, subject=f"audit log: {name}", detail=detail)


def _late_entries(ports: Ports, model: str) -> Iterator[Finding]:
    for name in record_missing(ports.rows, ports.ledger, model, ports.clock.now()):
        detail = "The app ended before it recorded this in the audit log; it is recorded now."
        kind = FindingKind.LATE_ENTRY
        yield Finding(kind=kind, subject=name, detail=detail, repaired=True)


def _damaged_rows(ports: Ports, model: str) -> Iterator[Finding]:
    for name, detail in damaged_rows(ports.rows, model):
        yield Finding(kind=FindingKind.DAMAGED_RECORD, subject=name, detail=detail)


def _compare_versions(ports: Ports, model: str) -> Iterator[Finding]:
    records = {
        r.release.release_id: r for r in ports.ledger.list_releases() if r.release.model == model
    }
    for version in unreleased(ports.registry.list_versions(model), records):
        subject = f"{model}:{version.version}"
        if is_own(version) and version.run_id.startswith(run_id(model, "")):
            ports.events.publish(MODEL_REGISTERED, f"models/{subject}", _registered(version))
            detail = "Its event was lost and is published again."
            yield Finding(
                kind=FindingKind.LOST_EVENT, subject=subject, detail=detail, repaired=True
            )
        else:
            origin = f"by run {version.run_id}" if version.run_id else "without a run"
            detail = (
                f"It was registered {origin}, and not by this app, which ignores it. "
                "Archive or delete it, or send its data here to train on."
            )
            yield Finding(kind=FindingKind.FOREIGN_VERSION, subject=subject, detail=detail)


def _registered(version: ModelVersion) -> dict[str, object]:
    return {
        "modelName": version.model,
        "modelVersion": version.version,
        "modelTags": {"run_id": version.run_id},
        "modelProperties": {"digest": version.digest},
    }


def _compare_champion(ports: Ports, model: str) -> Iterator[Finding]:
    if (finding := _judge_champion(ports, model)) is not None:
        yield finding


def _judge_champion(ports: Ports, model: str) -> Finding | None:
    """Return the finding about the champion of a model; None when its decisions explain it."""
    served = ports.production.champion(model)
    changes = Changes(ports.rows).of_model(model)
    decisions = Decisions(ports.rows, ports.ledger)
    return judge_champion(
        model,
        served,
        [r for r in ports.ledger.list_releases() if r.release.model == model],
        changes[-1] if changes else None,
        explained=served is not None and decisions.explains(model, served.digest),
    )


def _repair_serving(ports: Ports, model: str) -> Iterator[Finding]:
    records = [r for r in ports.ledger.list_releases() if r.release.model == model]
    finding = judge_serving(model, ports.production.serving(model), records)
    # The app starts no replicas of an image that no decision explains; that is a finding itself.
    if finding is not None and _judge_champion(ports, model) is None:
        # People are notified although the app repairs it, because the repair may fail later.
        yield finding
        ports.production.repair(model)


def _open_production(ports: Ports, model: str) -> Iterator[Finding]:
    endpoint = ports.production.endpoint(model)
    if endpoint is not None and ports.probe.answers_without_key(model, endpoint):
        detail = (
            f"{endpoint} takes requests without a key, as images of version 0.1.0 do. Train and "
            "release the model again. Until then limit the network that reaches it."
        )
        yield Finding(kind=FindingKind.OPEN_PRODUCTION, subject=model, detail=detail)


def _state(view: StoryView, now: datetime) -> StoryState:
    updated = view["updated_at"]
    return StoryState(
        instance_id=view["instance_id"],
        status=view["status"],
        ended=view["ended"],
        updated_at=datetime.fromisoformat(updated) if updated else now,
        detail=shorten(str(view["output"] or ""), 2000) if view["status"] == "Failed" else "",
    )
