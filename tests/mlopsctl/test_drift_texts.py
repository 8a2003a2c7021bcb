"""`mlopsctl drift` waits for a comparison, and rounds one e-value as the reason of an alarm does."""

from typing import Any, cast

import pytest

from function_app.domain.codec import dump
from function_app.domain.drift.drift import ColumnEvidence, Evidence, describe_evidence
from function_app.domain.drift.retraining import DriftPolicy, judge, restart
from mlopsctl.commands.drift import compare_now, drift_lines, drift_table
from mlopsctl.reach.client import Api, ApiError
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


class Watched:
    """An app whose comparison is at each of these states, one for each request."""

    def __init__(self, *states: tuple[str, bool]) -> None:
        self.states = list(states)

    def post(self, path: str) -> dict[str, str]:
        assert path == "/api/models/m/drift"
        return {"instance_id": "watch-m"}

    def find(self, path: str) -> dict[str, Any]:
        assert path == "/api/status/watch-m"
        status, ended = self.states.pop(0)
        return {"status": status, "ended": ended, "step": None, "output": "no space"}


def test_a_comparison_is_awaited() -> None:
    app = Watched(("Running", False), ("Completed", True))

    compare_now(cast(Api, app), "m")

    assert app.states == []


def test_a_failed_comparison_is_an_error_with_its_text() -> None:
    with pytest.raises(ApiError, match="watch-m: no space"):
        compare_now(cast(Api, Watched(("Failed", True))), "m")
