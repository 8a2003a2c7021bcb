from function_app import steps
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
            steps.compare_records.name: finding("run"),
            steps.compare_platform.name: [finding("a"), finding("b")],
        }
    )

    report = host.play(reconcile(host, ReconcileRequest(reason="test", models=("a", "b"))))

    assert [f.subject for f in report.findings] == ["run", "a", "b"]
    assert host.called[-1] == steps.keep_findings.name


def test_a_comparison_of_300_models_shows_a_status_and_an_output_that_azure_takes() -> None:
    models = tuple(f"a-model-with-a-longer-name-{number:03}" for number in range(300))
    broken = Finding(kind=FindingKind.UNREACHABLE, subject="broken", detail="It does not answer.")
    host = Player(
        {
            steps.compare_records.name: ReconcileReport(findings=()),
            # The player checks each custom status against the limit of the real host.
            steps.compare_platform.name: [
                *(finding(model) for model in models[:-1]),
                broken_report(),
            ],
        }
    )

    report = host.play(reconcile(host, ReconcileRequest(reason="test", models=models)))

    kept = host.arguments[host.called.index(steps.keep_findings.name)]
    assert len(kept["findings"]) == 300
    assert (len(report.findings), report.omitted) == (100, 200)
    assert report.findings[0] == broken, "a finding that nobody repaired comes first"
    assert host.statuses[-1]["reason"] == "300 findings, 299 of them repaired."
    assert [step["step"] for step in host.statuses[-1]["trail"]] == [
        "comparing histories",
        "comparing platforms",
        "compared",
    ]


def broken_report() -> ReconcileReport:
    broken = Finding(kind=FindingKind.UNREACHABLE, subject="broken", detail="It does not answer.")
    return ReconcileReport(findings=(broken,))
