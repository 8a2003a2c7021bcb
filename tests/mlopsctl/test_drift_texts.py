"""`mlopsctl drift` and the reason of an alarm round one e-value in one way."""

from typing import Any

from function_app.domain.codec import dump
from function_app.domain.drift.drift import ColumnEvidence, Evidence, describe_evidence
from function_app.domain.drift.retraining import DriftPolicy, judge, restart
from mlopsctl.commands.drift import drift_lines, drift_table
from tests.domain.test_retraining import NOW, known, watched

EVIDENCE = Evidence(
    e_value=51234.56,
    threshold=201.0,
    rows=1000,
    columns=(
        ColumnEvidence(name="bmi", rows=1000, e_value=512345.678, direction="up"),
        ColumnEvidence(name="age", rows=1000, e_value=0.123456, direction="down"),
    ),
)


def content() -> dict[str, Any]:
    """Return the answer of the API about the evidence."""
    judged = judge(
        restart(None, watched(1).digest, NOW), EVIDENCE, known(), "d2", DriftPolicy(), NOW
    )
    texts = describe_evidence(EVIDENCE.columns, EVIDENCE.e_value, EVIDENCE.threshold)
    report = {
        **dump(EVIDENCE),
        "verdict": judged.verdict.value,
        "reason": judged.reason,
        "since": "2026-01-01T00:00:00Z",
        "version": "1",
        "labelled": 0,
        "unmatched": 0,
        "retrainings_left": 3,
    }
    return {
        "report": report,
        "figures": dump(texts),
        "traffic": {"callers": {}, "repeated": 0, "out_of_range": {}},
        "policy": dump(DriftPolicy()),
        "alarms": [],
    }


def test_the_page_and_the_reason_of_an_alarm_round_one_e_value_in_one_way() -> None:
    first, *_, evidence, _ = drift_lines(content())

    assert "e-value 512346; all columns 51235, 201 needed" in first
    assert evidence.startswith("e-value 51235; 201 is drift")


def test_the_table_has_the_texts_of_the_app() -> None:
    cells = list(drift_table(content()).columns[1].cells)

    assert cells == ["[red]512346[/red]", "[white]0.1235[/white]"]
