"""Findings of comparisons: collected, stored, and reported to people when they are new."""

import json
from collections.abc import Callable, Iterator

from function_app.domain.codec import dump
from function_app.domain.reconciliation import (
    FINDINGS,
    Finding,
    FindingKind,
    ReconcileReport,
    new_findings,
)
from function_app.errors import MlopsError
from function_app.ports import Ports


def collect(action: str, compare: Callable[[], Iterator[Finding]]) -> list[Finding]:
    """Return the findings of one comparison, so that its error does not hide the others.

    A platform that does not answer is a finding itself.
    """
    try:
        return list(compare())
    except MlopsError as error:
        return [Finding(kind=FindingKind.UNREACHABLE, subject=action, detail=error.message)]


def save(ports: Ports, report: ReconcileReport) -> None:
    """Store the report; notify people of its new findings that were not repaired."""
    stored = ports.ledger.get_record(FINDINGS)
    earlier = json.loads(stored["report"])["findings"] if stored else []
    before = {(finding["kind"], finding["subject"]) for finding in earlier}
    content = {"at": str(dump(ports.clock.now())), "report": json.dumps(dump(report))}
    if fresh := new_findings(report, before):
        ports.notifier.report_findings(fresh)
    ports.ledger.save_record(FINDINGS, content)
