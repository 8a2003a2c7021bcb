"""Activities that compare ledger, histories and platforms, and repair safe differences."""

from function_app import steps
from function_app.domain.reconciliation import ModelName, ReconcileReport, ReconcileRequest
from function_app.ports import Ports, Stories
from function_app.services import findings, platform_comparison, record_comparison


@steps.compare_records.story_activity
async def compare_records(
    ports: Ports, request: ReconcileRequest, stories: Stories
) -> ReconcileReport:
    """Compare the histories with the ledger and with the platform's runs and deployments."""
    return ReconcileReport(findings=await record_comparison.compare(ports, stories))


@steps.compare_platform.activity
def compare_platform(ports: Ports, name: ModelName) -> ReconcileReport:
    """Compare the registry and production of a model with its releases."""
    return ReconcileReport(findings=platform_comparison.compare(ports, name.model))


@steps.keep_findings.activity
def keep_findings(ports: Ports, report: ReconcileReport) -> None:
    """Store the report; notify people of its new findings that were not repaired."""
    findings.save(ports, report)
