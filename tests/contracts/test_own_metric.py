"""An own metric on both platforms: judged by a function of the challenger's code, in a job."""

import os
from dataclasses import replace

import pytest

from function_app.domain.gates import Comparison, GatePolicy, Verdict, judge
from function_app.domain.gating.own_metric import describe_metric
from function_app.domain.training import ModelVersion, Run, RunStatus, evaluation_id
from tests.azure_servers.azure import azure, sdk_warnings
from tests.contracts.job_bench import TOY, Bench, bench, code_archive

__all__ = ["azure", "bench"]
pytestmark = sdk_warnings

# About 20 s of CPU; tests/attacks/test_own_metric.py runs the same jobs without a champion.
thorough = pytest.mark.skipif(
    os.environ.get("FAULT_POINTS") != "all", reason="`make test-azure` (FAULT_POINTS=all) runs it"
)
FUNCTION = "training.costs:cost"
POLICY = GatePolicy(bar=50.0, metric=FUNCTION, direction="lower", folds=1)
# A prediction below the truth costs five times as much as one above it.
COST = """
def cost(actual, predicted):
    return [(p - a) if p > a else 5 * (a - p) for a, p in zip(actual, predicted)]
"""
# It predicts twice the feature, and SHIFT more.
LINE = TOY.replace(
    'out.write_text("prediction\\n" + "".join(mean + "\\n" for _ in rows))',
    'out.write_text("prediction\\n" + "".join(f"{2 * float(r) + SHIFT}\\n" for r in rows))',
)
ROWS = ("a,Y\n" + "".join(f"{n},{2 * n + n % 3 - 1}\n" for n in range(300))).encode()


def train(bench: Bench, name: str, shift: float, costs: str = COST) -> Run:
    """Train a model of the line whose predictions are too high by `shift`."""
    bench.projects["diabetes"] = replace(
        bench.projects["diabetes"],
        data=replace(bench.projects["diabetes"].data, columns=("a", "Y")),
        gate=POLICY,
    )
    assert LINE != TOY
    main = LINE.replace("SHIFT", repr(shift)).encode()
    archive = code_archive(__main__=main, costs=costs.encode())
    code = bench.jobs.publish("diabetes", bench.keep(archive))
    bench.submit(name, bench.add(ROWS), code)
    bench.finish(name)
    return bench.jobs.get(name)


def evaluate(bench: Bench, run: Run, champion: ModelVersion | None = None) -> Comparison:
    name = evaluation_id(run.run_id, champion)
    prepared = bench.prepare(bench.add(ROWS))
    bench.jobs.submit_evaluation(name, run, prepared, champion, POLICY, {})
    bench.finish(name)
    assert bench.jobs.get(name).status is RunStatus.COMPLETED
    return bench.jobs.comparison(name)


@thorough
def test_a_release_is_judged_by_the_function_of_the_code(bench: Bench) -> None:
    first = train(bench, "train-diabetes-a", shift=3.0)
    alone = evaluate(bench, first)
    champion = bench.registry.register(first, bench.jobs.judged(evaluation_id(first.run_id, None)))
    challenger = train(bench, "train-diabetes-b", shift=1.0, costs=COST + "# read by a person\n")
    found = evaluate(bench, challenger, champion)

    # Errors of -1, 0 and 1 beside the shift, none below the truth.
    assert alone.challenger_loss == pytest.approx(3.0, abs=0.3)
    assert judge(alone, POLICY).verdict is Verdict.PROMOTE
    assert (found.challenger_loss, found.champion_loss) == pytest.approx((1.0, 3.0), abs=0.3)
    assert found.gain_low is not None
    assert found.gain_low > 1.5
    result = judge(found, POLICY)
    assert result.verdict is Verdict.PROMOTE
    assert f"{FUNCTION} " in result.reasons[0]
    assert found.metric is not None
    assert (found.metric.function, found.metric.direction) == (FUNCTION, "lower")
    [said] = describe_metric(found.metric, "c0ffee00", compared=True)
    assert "the rule of this comparison came with the challenger" in said
