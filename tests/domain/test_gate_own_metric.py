"""A gate whose metric is an own function judges by its losses, which may be below 0, and says so."""

from dataclasses import replace

import pytest

from function_app.domain.codec import dump, load
from function_app.domain.gates import Comparison, GatePolicy, Verdict, judge
from function_app.domain.gating.own_metric import OwnMetric, describe_metric
from function_app.domain.lineage.model_card import Judgement, model_card
from tests.domain.test_lineage import WHOLE

FUNCTION = "churn.metrics:profit"
POLICY = GatePolicy(bar=-12.0, metric=FUNCTION, direction="higher", minimum_effect=0.1)
METRIC = OwnMetric(function=FUNCTION, direction="higher", digest="a" * 64, champion_digest="a" * 64)
COMPARISON = Comparison(
    rows=400,
    challenger_loss=-15.0,
    champion_loss=-12.5,
    gain=2.5,
    gain_low=1.3,
    gain_high=3.7,
    level=0.01,
    lowest=0.0,
    highest=1.0,
    metric=METRIC,
)


def test_the_needed_gain_is_a_share_of_the_magnitude_of_the_loss() -> None:
    assert POLICY.needed_gain(-12.5) == POLICY.needed_gain(12.5) == pytest.approx(1.25)
    assert replace(POLICY, margin=-0.2).needed_gain(-12.5) == pytest.approx(-2.5)
    assert POLICY.needed_gain(0.0) == 0.0
    assert GatePolicy(bar=1.0, metric="calibration").needed_gain(-12.5) == 0.0


def test_a_score_is_judged_by_minus_the_score() -> None:
    result = judge(COMPARISON, POLICY)

    assert result.verdict is Verdict.PROMOTE
    assert f"minus {FUNCTION} -15 against -12.5 on 400 rows" in result.reasons[0]
    enough = replace(POLICY, minimum_effect=0.11)
    assert judge(COMPARISON, enough).verdict is Verdict.INCONCLUSIVE
    assert GatePolicy(bar=1.0, metric=FUNCTION, direction="lower").loss == FUNCTION


@pytest.mark.parametrize(
    ("loss", "verdict"), [(-12.0, Verdict.PROMOTE), (-11.9, Verdict.REJECT), (12.0, Verdict.REJECT)]
)
def test_a_first_model_needs_the_score_of_the_bar(loss: float, verdict: Verdict) -> None:
    first = Comparison(rows=400, challenger_loss=loss, lowest=0.0, highest=1.0, metric=METRIC)

    assert judge(first, POLICY).verdict is verdict


def test_the_jobs_get_the_function_and_its_direction() -> None:
    words = ("--metric", FUNCTION, "--direction", "higher")

    assert POLICY.own_words() == POLICY.comparison_words(0)[:4] == words
    assert GatePolicy(bar=1.0).own_words() == ()
    assert POLICY.evaluation_share() == GatePolicy(bar=1.0).evaluation_share() + 1


def test_people_read_the_commit_and_the_digest_of_the_function() -> None:
    [same] = describe_metric(METRIC, "c0ffee1234567890", compared=True)
    [alone] = describe_metric(METRIC, "", compared=False)
    [changed] = describe_metric(replace(METRIC, champion_digest="b" * 64), "c0ffee", compared=True)
    [new] = describe_metric(replace(METRIC, champion_digest=None), "c0ffee", compared=True)

    assert same == (
        f"The metric is the function {FUNCTION} of commit c0ffee123456, defined in a file with the "
        "SHA-256 aaaaaaaaaaaa. The champion's code has the same file."
    )
    assert "of this app's own code" in alone
    assert (
        "a file with the SHA-256 bbbbbbbbbbbb there: the rule of this comparison came with"
        in changed
    )
    assert "The champion's code has no such file: the rule of this comparison came with" in new
    assert describe_metric(None, "c0ffee", compared=True) == ()
    forged = replace(METRIC, digest="<b>ours</b>")
    assert "<b>" not in describe_metric(forged, "", compared=False)[0]


def test_the_model_card_names_the_function() -> None:
    card = model_card(WHOLE, Judgement(comparison=COMPARISON, policy=POLICY))

    assert f"The metric is the function {FUNCTION}" in card
    assert "| direction | higher |" in card
    built_in = Judgement(policy=GatePolicy(bar=1.0))
    assert "direction |" not in model_card(WHOLE, built_in)


def test_a_stored_comparison_without_a_metric_is_read() -> None:
    stored = dump(replace(COMPARISON, metric=None))
    del stored["metric"]

    assert load(Comparison, stored).metric is None
    assert load(Comparison, dump(COMPARISON)) == COMPARISON
