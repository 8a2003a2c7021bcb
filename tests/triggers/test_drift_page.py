"""The API answers the e-values of the last comparison as texts, too."""

import asyncio
import json
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

from function_app.domain.codec import dump
from function_app.domain.drift.drift import ColumnEvidence
from function_app.domain.drift.retraining import DriftPolicy, Verdict
from function_app.domain.drift.watching import DriftReport
from function_app.triggers.http.watches import get_drift
from function_app.triggers.invocation import Invocation, Request

REPORT = DriftReport(
    model="m",
    at=datetime(2026, 1, 1, tzinfo=UTC),
    verdict=Verdict.SUSPECTED,
    reason="Drift.",
    e_value=51234.56,
    threshold=201.0,
    columns=(ColumnEvidence(name="bmi", rows=9, e_value=512345.678, direction="up"),),
)


class Records:
    """A ledger with these texts in its record of drift."""

    def __init__(self, **content: str) -> None:
        self.content = content

    def get_record(self, name: str) -> dict[str, str]:
        assert name == "drift/m"
        return self.content


def drift(**content: str) -> Any:
    ports = SimpleNamespace(ledger=Records(**content))
    projects = {"m": SimpleNamespace(drift=DriftPolicy())}
    invocation = cast(Invocation, SimpleNamespace(ports=ports, projects=projects))
    request = Request(route={"model": "m"}, headers={}, body=b"", query={})
    return asyncio.run(get_drift(invocation, request)).content


def test_the_last_comparison_has_its_figures_as_texts() -> None:
    content = drift(report=json.dumps(dump(REPORT)))

    assert content["report"] == REPORT
    assert dump(content["figures"]) == {
        "e_value": "51235",
        "threshold": "201",
        "columns": ["512346"],
    }


def test_before_the_first_comparison_there_are_no_figures() -> None:
    content = drift()

    assert (content["report"], content["figures"]) == (None, None)
