from function_app import names
from function_app.domain.reconciliation import (
    Finding,
    FindingKind,
    ReconcileReport,
    ReconcileRequest,
)
from function_app.orchestrators.reconcile import reconcile
from tests.orchestrators.player import Player


def finding(subject: str) -> ReconcileReport:
    found = Finding(kind=FindingKind.LOST_RUN, subject=subject, detail="gone", repaired=True)
    return ReconcileReport(findings=(found,))


def test_the_report_holds_what_histories_and_every_model_s_platform_showed() -> None:
    host = Player(
        {
            names.COMPARE_RECORDS: finding("run"),
            names.COMPARE_PLATFORM: [finding("a"), finding("b")],
        }
    )

    report = host.play(reconcile(host, ReconcileRequest(reason="test", models=("a", "b"))))

    assert [f.subject for f in report.findings] == ["run", "a", "b"]
    assert host.called[-1] == names.KEEP_FINDINGS
