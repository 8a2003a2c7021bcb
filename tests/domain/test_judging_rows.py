"""The sentences about the rows that judge, and the verdict on too few."""

from dataclasses import replace

import pytest

from function_app.domain.gates import Comparison, GatePolicy, Verdict, judge
from function_app.domain.gating.judging_rows import describe_rows

POLICY = GatePolicy(bar=10.0, min_judging_rows=50)


def test_a_verdict_names_the_rows_that_did_not_judge() -> None:
    assert describe_rows(0, 0, True, 1) == describe_rows(0, 0, None, 1) == ()
    assert describe_rows(1, 2, True, 5) == (
        "Each row was answered by a model that was trained without its fold, of 5 folds.",
        "Left out, because the champion was trained on them: 1 row.",
        "Judged by answers from the champion's own cross-fitting, because the champion was trained "
        "on them: 2 rows.",
    )


def test_a_champion_without_hashes_is_named_in_the_reasons() -> None:
    (unknown,) = describe_rows(300, 0, False, 1)

    assert unknown.startswith("The champion's training rows are unknown")


@pytest.mark.parametrize("rows", [0, 1, 49])
def test_too_few_rows_promote_nothing(rows: int) -> None:
    found = judge(Comparison(rows=rows, left_out=442 - rows, known=True), POLICY)

    assert (found.passed, found.verdict) == (False, Verdict.INCONCLUSIVE)
    few, left_out = found.reasons
    assert f": {rows}, and `min_judging_rows` asks for 50. Send rows that are new." in few
    assert left_out.endswith(f": {442 - rows} rows.")


def test_a_first_model_needs_no_row_of_a_champion() -> None:
    alone = Comparison(rows=10, challenger_loss=5.0, folds=5)

    found = judge(alone, POLICY)

    assert found.passed
    assert "of 5 folds" in found.reasons[-1]
    assert not judge(replace(alone, known=True), POLICY).passed
