"""The comparison of a model's registry and production with its releases, with its safe repairs."""

from collections.abc import Iterator
from functools import partial

from function_app.domain.event_types import MODEL_REGISTERED, registered
from function_app.domain.reconciliation import (
    Finding,
    FindingKind,
    judge_champion,
    judge_serving,
    unreleased,
)
from function_app.domain.release.release import ReleaseRecord, ReleaseStatus, release_id
from function_app.domain.text.identifiers import RELEASE_ID
from function_app.domain.training import ModelVersion, is_own, run_id
from function_app.errors import NotFoundError
from function_app.ports import Ports
from function_app.records.accounts import record_missing, record_missing_of_page
from function_app.records.changes import Changes
from function_app.records.damage import damaged_rows
from function_app.records.decisions import Decisions
from function_app.records.ledger.index import LATEST
from function_app.records.ledger.verdicts import find_fault
from function_app.services.findings import collect
from function_app.services.releases import open_releases


def compare(ports: Ports, model: str) -> tuple[Finding, ...]:
    """Compare the registry and production of a model with its releases."""
    comparisons = {
        "read the registry of": _compare_versions,
        "read production of": _compare_champion,
        "read the verdicts on": _unfit_champion,
        "repair production of": _repair_serving,
        "ask production of": _open_production,
        "read records of": _damaged_rows,
        "record decisions on": _late_entries,
    }
    return tuple(
        finding
        for action, compare_one in comparisons.items()
        for finding in collect(f"{action} {model}", partial(compare_one, ports, model))
    )


def _late_entries(ports: Ports, model: str) -> Iterator[Finding]:
    now = ports.clock.now()
    late = record_missing(ports.rows, model, now) + record_missing_of_page(ports.rows, model, now)
    for name in late:
        detail = "The app ended before it recorded this in the audit log; it is recorded now."
        kind = FindingKind.LATE_ENTRY
        yield Finding(kind=kind, subject=name, detail=detail, repaired=True)


def _damaged_rows(ports: Ports, model: str) -> Iterator[Finding]:
    for name, detail in damaged_rows(ports.rows, model):
        yield Finding(kind=FindingKind.DAMAGED_RECORD, subject=name, detail=detail)


def _compare_versions(ports: Ports, model: str) -> Iterator[Finding]:
    for version in _unreleased(ports, model):
        subject = f"{model}:{version.version}"
        if is_own(version) and version.run_id.startswith(run_id(model, "")):
            ports.events.publish(MODEL_REGISTERED, *registered(version))
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


def _unreleased(ports: Ports, model: str) -> list[ModelVersion]:
    """Return the versions without a release; only the latest releases and few others are read.

    The registry is listed page by page and as a whole, because a foreign version may have any name.
    More releases can only remove versions from the answer. The versions that the latest releases
    leave are therefore looked up one by one.
    """
    of_each = (ports.ledger.with_status(status, model, LATEST) for status in ReleaseStatus)
    records = {record.release.release_id: record for each in of_each for record in each}
    versions: list[ModelVersion] = []
    for listed in unreleased(ports.registry.list_versions(model), records):
        name = release_id(model, listed.version)
        if RELEASE_ID.fits(name) and (record := ports.ledger.get_release(name)) is not None:
            records[name] = record
        try:
            versions.append(ports.registry.get(model, listed.version))
        except NotFoundError:
            continue  # it was deleted meanwhile
    return unreleased(versions, records)


def _compare_champion(ports: Ports, model: str) -> Iterator[Finding]:
    if (finding := _judge_champion(ports, model)) is not None:
        yield finding


def _unfit_champion(ports: Ports, model: str) -> Iterator[Finding]:
    served = ports.production.champion(model)
    if served is None or not (fault := find_fault(ports.rows, model, served.version)):
        return
    detail = (
        f"The last comparison found a fault in its answers: {fault.rstrip('.')}. It counts as no "
        "champion, so that the next training may replace it. Roll back, or train again."
    )
    subject = f"{model}:{served.version}"
    yield Finding(kind=FindingKind.UNFIT_CHAMPION, subject=subject, detail=detail)


def _judge_champion(ports: Ports, model: str) -> Finding | None:
    """Return the finding about the champion of a model; None when its decisions explain it."""
    served = ports.production.champion(model)
    changes = Changes(ports.rows).latest(model)
    decisions = Decisions(ports.rows, ports.ledger)
    # Only a ledger of version 0.1.0, which has no changes, is judged by its releases.
    records: tuple[ReleaseRecord, ...] = ()
    if not changes:
        promoted = ports.ledger.with_status(ReleaseStatus.PROMOTED, model, LATEST)
        records = (*promoted, *open_releases(ports, model))
    return judge_champion(
        model,
        served,
        records,
        changes[-1] if changes else None,
        explained=served is not None and decisions.explains(model, served.digest),
    )


def _repair_serving(ports: Ports, model: str) -> Iterator[Finding]:
    records = ports.ledger.with_status(ReleaseStatus.IN_PROGRESS, model)
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
