import json
from dataclasses import replace
from typing import Any

import pytest

from funchost.app.limits import check_status
from function_app.domain.data_quality import ColumnProfile, DataPolicy, DataProfile, judge
from function_app.domain.text.payload_limits import cap_reasons, fit_status, shorten

COLUMNS = tuple(f"column_{number:03}_ü" for number in range(200))


def profile(**change: Any) -> DataProfile:
    column = replace(ColumnProfile(name="", missing=0, mean=0.0, std=1.0), **change)
    return DataProfile(rows=100, columns=tuple(replace(column, name=name) for name in COLUMNS))


@pytest.mark.parametrize("change", [{"missing": 3}, {"mean": 9.0}, {"std": 90.0}])
def test_a_file_with_200_bad_columns_keeps_all_reasons_and_shows_a_status_azure_takes(
    change: dict[str, Any],
) -> None:
    result = judge(profile(**change), profile(), DataPolicy(columns=COLUMNS))

    status = fit_status(
        "rejected", {"reason": " ".join(result.reasons)}, [{"step": "a", "at": "1"}]
    )

    assert len(result.reasons) == 200
    check_status(json.dumps(status))
    assert "column_000_ü" in status["reason"]
    assert "column_199_ü" in status["reason"], "the end is not cut off"


def test_a_trail_of_thousands_of_steps_keeps_its_ends() -> None:
    trail = [
        {"step": f"step {number}", "at": f"2026-01-01T00:00:{number}"} for number in range(5000)
    ]

    status = fit_status("step 4999", {}, trail)

    check_status(json.dumps(status))
    kept = [step["step"] for step in status["trail"]]
    assert kept[:2] == ["step 0", "step 1"]
    assert kept[2].endswith("steps left out")
    assert kept[3:] == [f"step {5000 - len(kept) + number}" for number in range(3, len(kept))]
    assert int(kept[2].split()[0]) == 5000 - (len(kept) - 1)


def test_many_long_facts_fit_too() -> None:
    facts = {f"fact {number}": "🦊" * 9000 for number in range(12)}

    check_status(json.dumps(fit_status("s", facts, [{"step": "s", "at": "1"}])))


def test_a_status_that_fits_is_not_changed() -> None:
    trail = [{"step": str(number), "at": "1"} for number in range(40)]

    assert fit_status("39", {"reason": "x" * 2000}, trail) == {
        "step": "39",
        "reason": "x" * 2000,
        "trail": trail,
    }


def test_reasons_that_no_payload_holds_are_counted() -> None:
    reasons = tuple("x" * 100 for _ in range(20_000))

    capped = cap_reasons(reasons)

    assert capped[-1] == f"{20_000 - len(capped) + 1} more reasons are left out."
    assert sum(map(len, capped)) <= 64_100
    assert cap_reasons(("short",)) == ("short",)
    (only,) = cap_reasons(("y" * 100_000,))
    assert "characters left out" in only


def test_a_text_is_shortened_in_its_middle() -> None:
    text = "Traceback " + "x" * 5000 + " KeyError: the cause"

    short = shorten(text, 200)

    assert len(short) <= 200
    assert short.startswith("Traceback")
    assert short.endswith("KeyError: the cause")
    assert shorten("short", 200) == "short"
