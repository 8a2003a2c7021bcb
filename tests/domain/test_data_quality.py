from dataclasses import replace

import pytest

from function_app.domain.data_quality import ColumnProfile, DataPolicy, DataProfile, judge

POLICY = DataPolicy(columns=("x", "Y"))
BASELINE = DataProfile(
    rows=100,
    columns=(
        ColumnProfile(name="x", missing=0, mean=0.0, std=1.0),
        ColumnProfile(name="Y", missing=0, mean=150.0, std=70.0),
    ),
)


def with_x(**change: object) -> DataProfile:
    first, *others = BASELINE.columns
    return replace(BASELINE, columns=(replace(first, **change), *others))  # type: ignore[arg-type]


def test_data_like_the_baseline_passes() -> None:
    assert judge(BASELINE, BASELINE, POLICY).passed


@pytest.mark.parametrize(
    ("profile", "reason"),
    [
        (replace(BASELINE, rows=10), "10 rows"),
        (replace(BASELINE, columns=BASELINE.columns[:1]), "Column Y is absent"),
        (replace(BASELINE, columns=BASELINE.columns[::-1]), "another order"),
        (with_x(missing=3), "x: 3 missing values"),
        (with_x(mean=0.9), "x: the mean moved by 0.90"),
        (with_x(std=3.9), "x: the standard deviation is 3.90 times"),
        (with_x(std=0.1), "x: the standard deviation is 0.10 times"),
    ],
)
def test_each_fault_is_refused_with_its_own_reason(profile: DataProfile, reason: str) -> None:
    result = judge(profile, BASELINE, POLICY)

    assert not result.passed
    assert any(text.startswith(reason) or reason in text for text in result.reasons)
