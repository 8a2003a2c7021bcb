"""The comparison of the ledger with histories, runs and staging, with its safe repairs."""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from functools import partial

from function_app.domain.reconciliation import (
    RECENT,
    Finding,
    FindingKind,
    StoryState,
    dead_releases,
    judge_stories,
    lost_runs,
    owners,
)
from function_app.domain.release.release import ReleaseRecord, ReleaseStatus
from function_app.domain.release.serving import STAGING_LIFE
from function_app.domain.stories.views import StoryView
from function_app.domain.text.payload_limits import shorten
from function_app.domain.training import Run
from function_app.errors import PlatformError
from function_app.ports import Ports, Stories
from function_app.records.audit import AuditLog
from function_app.records.damage import REMEDY
from function_app.services.findings import collect
from function_app.services.releases import open_releases

LOG = logging.getLogger("mlops.reconciliation")


async def compare(ports: Ports, stories: Stories) -> tuple[Finding, ...]:
    """Compare the histories with the ledger and with the platform's runs and deployments."""
    now = ports.clock.now()
    listed = [_state(view, now) for view in await stories.list(now - RECENT)]
    findings = judge_stories(listed, now)
    findings += collect("sort releases by status", partial(_sort_releases, ports))
    records, runs = open_releases(ports), list[Run]()
    findings += collect("list runs", lambda: _list_runs(ports, runs))
    # Each story is read by itself, because the list is old by now and may be incomplete.
    views = [await stories.find(owner) for owner in sorted(owners(records, runs))]
    states = {view["instance_id"]: _state(view, now) for view in views if view}
    findings += _settle_releases(ports, records, states)
    findings += collect("cancel runs", lambda: _cancel_runs(ports, runs, states))
    comparisons = {
        "list staging": _remove_staging,
        "list foreign deployments in staging": _foreign_staging,
        "list the inbox": _unreadable,
        "read the records": _damaged_records,
    }
    for action, compare_one in comparisons.items():
        findings += collect(action, partial(compare_one, ports))
    return tuple(findings)


def _sort_releases(ports: Ports) -> Iterator[Finding]:
    """Let releases of a process of an earlier version be found; this gives no findings."""
    for release_id in ports.ledger.repair_statuses():
        LOG.info("%s was written by an earlier version; it is found by its status now", release_id)
    return iter(())


def _has_ended(ports: Ports, release_id: str) -> bool:
    """Return whether a deployed release has ended or is unknown; False when it cannot be read.

    An unreadable release may be under way; its damage is a finding of its own.
    """
    try:
        record = ports.ledger.get_release(release_id)
    except PlatformError:
        return False
    return record is None or record.status.ended


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
    deployed = ports.staging.list_releases()
    orphaned = [release_id for release_id in deployed if _has_ended(ports, release_id)]
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


def _state(view: StoryView, now: datetime) -> StoryState:
    updated = view["updated_at"]
    return StoryState(
        instance_id=view["instance_id"],
        status=view["status"],
        ended=view["ended"],
        updated_at=datetime.fromisoformat(updated) if updated else now,
        detail=shorten(str(view["output"] or ""), 2000) if view["status"] == "Failed" else "",
    )
