"""Compare ledger, histories and platforms; repair or report the differences.

1. Compare the histories with the ledger, the runs and staging.  2. Compare each model's registry
and production with its releases.  3. Store the report and notify people of new findings.
"""

from function_app import steps
from function_app.domain.reconciliation import (
    KEPT_FINDINGS,
    SHOWN_FINDINGS,
    Finding,
    ModelName,
    ReconcileReport,
    ReconcileRequest,
    limit_findings,
)
from function_app.orchestrators.shared.trail import Trail
from function_app.steps.context import Story, StoryContext


def reconcile(ctx: StoryContext, request: ReconcileRequest) -> Story[ReconcileReport]:
    trail = Trail(ctx)
    trail.show("comparing histories", why=request.reason)
    findings: list[Finding] = list((yield from steps.compare_records(ctx, request)).findings)
    for model in request.models:
        trail.wait("comparing platforms", model=model)
        findings += (yield from steps.compare_platform(ctx, ModelName(model=model))).findings
    report = limit_findings(ReconcileReport(findings=tuple(findings)), KEPT_FINDINGS)
    yield from steps.keep_findings(ctx, report)
    repaired = sum(finding.repaired for finding in findings)
    trail.show("compared", reason=f"{len(findings)} findings, {repaired} of them repaired.")
    return limit_findings(report, SHOWN_FINDINGS)
