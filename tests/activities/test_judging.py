"""The comparison of a training counts once, and its verdict is what an approver sees."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from function_app.activities.reconciliation import compare_platform
from function_app.activities.training import evaluate_challenger, submit_evaluation
from function_app.domain.change.change import CodeVersion
from function_app.domain.codec import dump
from function_app.domain.gates import Comparison, GatePolicy, GateResult
from function_app.domain.gating.own_metric import OwnMetric
from function_app.domain.reconciliation import FindingKind, ModelName
from function_app.domain.release.serving import Image, Serving
from function_app.domain.requests import Evaluation, EvaluationRequest
from function_app.domain.training import ModelVersion, Run, RunStatus, champion_of
from function_app.ports import Ports
from function_app.ports.rows import Put
from function_app.records.ledger import verdicts
from function_app.services.judging import MOST_ATTEMPTS, evidence
from tests.activities.test_reconciliation import FakeProduction, PortsOfAModel, Promoted
from tests.contracts.memory_rows import MemoryRows
from tests.domain.test_gates import FIGURES
from tests.domain.test_reconciliation import IMAGE

POLICY = GatePolicy(bar=9.0, inconclusive="ask")
COMPARED = replace(FIGURES, gain_low=-10.0, look=2)


def run_named(run_id: str, status: RunStatus = RunStatus.COMPLETED) -> Run:
    return Run(
        run_id=run_id,
        model="diabetes",
        status=status,
        dataset_version="d",
        output_uri="",
    )


def version_of(number: str, evaluation_id: str = "") -> ModelVersion:
    return ModelVersion(
        model="diabetes",
        version=number,
        run_id="r",
        uri="",
        digest="d",
        evaluation_id=evaluation_id,
    )


class Bench:
    """Ports with a registry that has every version, and with jobs that remember their looks."""

    def __init__(self, served: str | None) -> None:
        self.served, self.looks, self.given, self.comparison = served, [], [], COMPARED
        self.ended: dict[str, RunStatus] = {}
        self.read: list[str] = []
        self.known = True
        self.ports = cast(
            Ports,
            SimpleNamespace(
                rows=MemoryRows(),
                production=SimpleNamespace(champion=self._champion),
                registry=SimpleNamespace(get=lambda model, version: version_of(version)),
                jobs=SimpleNamespace(
                    submit_evaluation=self._submit,
                    comparison=lambda run_id: self.comparison,
                    get=self._get,
                ),
            ),
        )

    looks: list[int]
    given: list[tuple[ModelVersion | None, GatePolicy]]
    code: CodeVersion | None = None

    def _champion(self, model: str) -> Image | None:
        if self.served is None:
            return None
        return Image(model=model, version=self.served, digest="sha256:x", uri="")

    def _get(self, run_id: str) -> Run:
        self.read.append(run_id)
        unknown = RunStatus.COMPLETED if self.known else RunStatus.UNKNOWN
        return replace(run_named(run_id, self.ended.get(run_id, unknown)), code=self.code)

    def _submit(self, run_id: str, *given: Any) -> Run:
        self.looks.append(given[-1])
        self.given.append((given[2], given[3]))
        return run_named(run_id)

    def submit(self, run_id: str, attempt: int = 1) -> Run:
        request = EvaluationRequest(
            run=run_named(run_id),
            preparation_id="p",
            instance_id="i",
            policy=POLICY,
            attempt=attempt,
        )
        return submit_evaluation(self.ports, request)


def test_each_comparison_with_a_champion_is_counted_once() -> None:
    bench = Bench("1")

    for run_id in ("a", "b", "a"):
        bench.submit(run_id)
    bench.served = "2"
    bench.submit("a")

    # The same rows against another champion are one more test.
    assert bench.looks == [1, 2, 1, 3]


def test_each_attempt_at_a_comparison_has_a_run_of_its_own_and_spends_no_more() -> None:
    bench = Bench("1")
    bench.ended = {"a-vs-1": RunStatus.CANCELLED, "a-vs-1-again-2": RunStatus.FAILED}

    ran = [bench.submit("a", attempt).run_id for attempt in (1, 2, 3, 3)]

    assert ran == ["a-vs-1", "a-vs-1-again-2", "a-vs-1-again-3", "a-vs-1-again-3"]
    assert bench.looks == [1, 1, 1, 1]


def test_a_comparison_that_completed_is_not_repeated_by_a_later_attempt() -> None:
    bench = Bench("1")
    bench.ended = {"a-vs-1": RunStatus.FAILED, "a-vs-1-again-2": RunStatus.COMPLETED}

    assert bench.submit("a", 4).run_id == "a-vs-1-again-2"


def test_few_of_very_many_attempts_are_read() -> None:
    bench = Bench("1")
    bench.known = False

    assert bench.submit("a", 10**15).run_id == f"a-vs-1-again-{10**15}"
    assert len(bench.read) == MOST_ATTEMPTS


def test_the_evaluation_is_given_the_served_version_and_the_policy() -> None:
    bench = Bench("1")

    bench.submit("a")
    bench.served = None
    bench.submit("b")

    assert bench.given == [(version_of("1"), POLICY), (None, POLICY)]


def test_a_training_without_a_champion_spends_nothing() -> None:
    bench = Bench(None)
    bench.submit("a")
    bench.served = "1"
    bench.submit("b")

    assert bench.looks == [0, 1]


@pytest.mark.parametrize(
    ("evaluation_id", "champion"),
    [
        ("train-m-vs-x-a-vs-12", "12"),
        ("train-m-a-vs-nothing", ""),
        ("", ""),
        ("a-vs-12-again-2", "12"),
        ("a-vs-nothing-again-12", ""),
        ("a-vs-12-again-b", "12-again-b"),
    ],
)
def test_an_evaluation_names_its_champion(evaluation_id: str, champion: str) -> None:
    assert champion_of(evaluation_id) == champion


def test_an_approver_sees_the_verdict_with_its_interval_and_both_figures() -> None:
    bench = Bench("1")
    result = evaluate_challenger(bench.ports, Evaluation(evaluation_id="a-vs-1", policy=POLICY))

    shown = tuple(evidence(bench.ports, version_of("2", "a-vs-1"), "a-vs-1"))

    assert result.passed
    assert shown[0] == f"Verdict of the gate: inconclusive. {result.reasons[0]}"
    assert "mse 80 against 100 on 90 rows. The gain is between -10 and 30" in shown[0]
    assert shown[1:-1] == result.reasons[1:]
    assert shown[-1] == "The version was judged against version 1, by a-vs-1."
    assert "comparison 2 of the model" in shown[1]
    assert shown[2].endswith("The approvers decide by these figures.")


def test_an_approver_sees_whose_function_judged() -> None:
    bench, code = Bench("1"), "6" * 40
    own = OwnMetric(function="toy.costs:cost", digest="a" * 64, champion_digest="b" * 64)
    bench.comparison = replace(COMPARED, metric=own)
    bench.code = CodeVersion(model="diabetes", version="c" * 64, uri="", commit=code)

    evaluate_challenger(bench.ports, Evaluation(evaluation_id="a-vs-1", policy=POLICY))
    *_, said, _ = evidence(bench.ports, version_of("2", "a-vs-1"), "a-vs-1")

    assert "the function toy.costs:cost of commit 666666666666, defined in a file with the" in said
    assert "the rule of this comparison came with the challenger." in said
    refused = replace(bench.comparison, refused="The metric toy.costs:cost ended.")
    bench.comparison = refused
    result = evaluate_challenger(bench.ports, Evaluation(evaluation_id="b-vs-1", policy=POLICY))
    assert result.reasons == ("The metric toy.costs:cost ended.", said)


@pytest.mark.parametrize(
    ("evaluation_id", "served", "changed"),
    [
        ("a-vs-1", "1", False),
        ("a-vs-1", "3", True),
        ("a-vs-nothing", "3", True),
        ("a-vs-nothing", None, False),
        ("a-vs-1", "2", False),
    ],
)
def test_an_approver_sees_that_the_champion_has_changed(
    evaluation_id: str, served: str | None, *, changed: bool
) -> None:
    bench = Bench(served)
    evaluate_challenger(bench.ports, Evaluation(evaluation_id=evaluation_id, policy=POLICY))

    shown = [
        each
        for each in evidence(bench.ports, version_of("2", evaluation_id), evaluation_id)
        if each.startswith("Production serves")
    ]

    text = "Production serves version 3 by now: the version must be judged again before its "
    assert shown == ([f"{text}promotion."] if changed else [])


def test_a_repeated_judgement_replaces_the_stored_verdict() -> None:
    bench, evaluation = Bench("1"), Evaluation(evaluation_id="a-vs-1", policy=POLICY)
    evaluate_challenger(bench.ports, evaluation)
    result = evaluate_challenger(bench.ports, evaluation)

    assert verdicts.find(bench.ports.rows, "a-vs-1") == result
    assert verdicts.find_policy(bench.ports.rows, "a-vs-1") == POLICY


def test_a_verdict_of_an_earlier_version_has_no_policy() -> None:
    rows, result = MemoryRows(), GateResult(passed=True, reasons=("mse 80",))
    rows.write(verdicts.VERDICTS, [Put(key="a-vs-1", content=dump(result))])

    assert verdicts.find(rows, "a-vs-1") == result
    assert verdicts.find_policy(rows, "a-vs-1") is None
    assert verdicts.find_policy(rows, "b-vs-1") is None


def test_the_evidence_names_the_evaluation_also_when_its_verdict_is_not_stored() -> None:
    ports = Bench("1").ports

    assert tuple(evidence(ports, version_of("2", "old-vs-1"), "old-vs-1")) == (
        "The version was judged against version 1, by old-vs-1.",
    )
    assert tuple(evidence(ports, version_of("2"), "")) == ()


def test_a_champion_with_a_fault_is_not_reported_as_deleted() -> None:
    bench = Bench("1")
    bench.comparison = Comparison(
        rows=90, challenger_loss=5.0, champion_fault="1 of 90 predictions are not finite numbers."
    )

    result = evaluate_challenger(bench.ports, Evaluation(evaluation_id="a-vs-1", policy=POLICY))

    assert result.passed
    assert len(result.reasons) == 1
    assert result.champion_fault == "1 of 90 predictions are not finite numbers."


def test_a_fault_of_a_champion_is_stored_until_a_comparison_finds_none() -> None:
    bench = Bench("1")

    def fault_after(comparison: Comparison) -> str:
        bench.comparison = comparison
        evaluate_challenger(bench.ports, Evaluation(evaluation_id="a-vs-1", policy=POLICY))
        return verdicts.find_fault(bench.ports.rows, "diabetes", "1")

    broken = Comparison(rows=90, challenger_loss=5.0, champion_fault="It answers NaN.")
    assert fault_after(broken) == "It answers NaN."
    assert verdicts.find_fault(bench.ports.rows, "diabetes", "2") == ""
    assert verdicts.find_fault(bench.ports.rows, "churn", "1") == ""
    assert fault_after(COMPARED) == ""


def test_a_champion_that_cannot_be_right_is_reported_until_a_comparison_finds_no_fault() -> None:
    production, rows = FakeProduction(Serving(image=IMAGE, replicas=1, ready=1)), MemoryRows()
    ports = cast(Ports, PortsOfAModel(Promoted(), Promoted(), production, rows))
    verdicts.save_fault(rows, "m", IMAGE.version, "1 of 90 predictions are not finite numbers.")

    [finding] = compare_platform(ports, ModelName(model="m")).findings

    assert (finding.kind, finding.subject) == (FindingKind.UNFIT_CHAMPION, f"m:{IMAGE.version}")
    assert finding.detail == (
        "The last comparison found a fault in its answers: 1 of 90 predictions are not finite "
        "numbers. It counts as no champion, so that the next training may replace it. Roll back, or "
        "train again."
    )
    verdicts.save_fault(rows, "m", "another", "It answers NaN.")
    assert compare_platform(ports, ModelName(model="m")).findings == ()
    verdicts.save_fault(rows, "m", IMAGE.version, "")
    assert compare_platform(ports, ModelName(model="m")).findings == ()
