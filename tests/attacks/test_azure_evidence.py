"""Attacks of a training in Azure on evidence, by the token that its node gives to any process."""

import json
from typing import Any

import pytest

from function_app.domain.gates import GatePolicy
from function_app.domain.training import RunStatus, evaluation_id
from tests.attacks.attack import ONLY, attack
from tests.azure_servers.azure import Azure, azure, sdk_warnings
from tests.azure_servers.compute import TOKEN, Compute
from tests.contracts.job_bench import TOY, Bench, _azure_bench, rows

__all__ = ["azure", "rows"]
pytestmark = sdk_warnings
# Sends requests to the storage as its node may, and writes the answers beside its model.
THIEF = """
import json, os, pathlib, ssl, sys, urllib.request

def ask(method, path, body=None):
    request = urllib.request.Request("{url}/" + path, data=body, method=method)
    request.add_header("Authorization", "Bearer " + os.environ["{token}"])
    request.add_header("x-ms-blob-type", "BlockBlob")
    try:
        return urllib.request.urlopen(request, context=ssl._create_unverified_context()).status
    except urllib.error.HTTPError as error:
        return error.code

told = {{path: ask(method, path, body) for method, path, body in {asks}}}
pathlib.Path(sys.argv[sys.argv.index("--out") + 1], "told.json").write_text(json.dumps(told))
"""


@pytest.fixture
def bench(request: pytest.FixtureRequest, azure: Azure) -> Bench:
    return _azure_bench(request)


def steal(azure: Azure, bench: Bench, data: bytes, *asks: tuple[str, str, bytes | None]) -> str:
    """Run a training that sends these requests to the storage; return the answers as JSON."""
    code = THIEF.format(url=azure.blobs.url, token=TOKEN, asks=repr(asks))
    run = bench.train("train-diabetes-thief", bench.add(data), code)
    return azure.written(f"runs/{run.run_id}/model/told.json").decode()


@attack(
    point=5,
    does="lets a training in Azure rewrite an evaluation, a baseline, the newest data and the "
    "record of an attempt by the token of its node",
    answer="403 for each: its identity writes the container of models' code and no other",
    log="Azure's log of the storage: AuthorizationPermissionMismatch",
    before="succeeded",
    azure=ONLY,
    by="trial",
)
def test_a_training_in_azure_cannot_rewrite_evidence(
    azure: Azure, bench: Bench, rows: bytes
) -> None:
    honest = bench.train("train-diabetes-a", bench.add(rows), TOY)
    evaluation = bench.evaluate(honest, bench.add(rows))
    before = bench.jobs.comparison(evaluation)
    evidence = (
        f"evaluations/runs/{evaluation}/evaluation/metrics.json",
        f"evaluations/runs/{evaluation}/evaluation/comparison.json",
        "versions/datasets/diabetes/latest.json",
        "versions/datasets/diabetes/reference.json",
        "versions/runs/train-diabetes-a/attempt.json",
        f"versions/runs/{evaluation}/evaluation/metrics.json",
    )

    told = steal(azure, bench, rows, *(("PUT", path, b"{}") for path in evidence))

    assert told.count("403") == len(evidence), told
    assert bench.jobs.comparison(evaluation) == before
    assert not any(
        path.removeprefix("versions/") in azure.blobs.containers["versions"] for path in evidence
    )


@attack(
    point=5,
    does="lets a training in Azure read the held-out rows, the whole data and an evaluation by "
    "the token of its node",
    answer="403 for each: its identity reads its rows, the features to answer, code and models",
    log="Azure's log of the storage: AuthorizationPermissionMismatch",
    before="succeeded",
    azure=ONLY,
    by="trial",
)
def test_a_training_in_azure_cannot_read_what_it_is_judged_by(
    azure: Azure, bench: Bench, rows: bytes
) -> None:
    honest = bench.train("train-diabetes-a", bench.add(rows), TOY)
    evaluation = bench.evaluate(honest, bench.add(rows))
    prepared = [n for n in azure.blobs.containers["evaluations"] if "/held_out/" in n]
    [data] = [n for n in azure.blobs.containers["versions"] if n.startswith("datasets/")]
    secrets = (
        *(f"evaluations/{name}" for name in prepared),
        f"evaluations/runs/{evaluation}/evaluation/golden.json",
        f"versions/{data}",
    )

    told = steal(azure, bench, rows, *(("GET", path, None) for path in secrets))

    assert prepared
    assert told.count("403") == len(secrets), told


@attack(
    point=5,
    does="lets a training in Azure overwrite the champion's answers in the container of models' "
    "code, after the champion gave them, so that the challenger looks better",
    answer="the judge gets the key that sealed the answers, and finds no seal of it: the "
    "evaluation fails and is not a verdict, so that nothing is registered or promoted",
    log="the run's log: The champion: its answers were changed after it gave them",
    before="succeeded",
    azure=ONLY,
)
@pytest.mark.parametrize("spoiled", ["champion", "challenger"])
def test_answers_that_a_training_overwrote_are_no_verdict(
    azure: Azure, bench: Bench, rows: bytes, spoiled: str
) -> None:
    data = bench.add(rows)
    champion = bench.register(bench.train("train-diabetes-a", data, TOY), data)
    challenger = bench.train("train-diabetes-b", data, TOY)
    name, compute = evaluation_id(challenger.run_id, champion), Compute(azure.ml, azure.blobs)
    policy = GatePolicy(bar=1.0)
    bench.jobs.submit_evaluation(name, challenger, bench.prepare(data), champion, policy, {})
    for model in ("challenger", "champion"):
        compute.run(f"{name}-asks-{model}")
    path = f"runs/{name}-asks-{spoiled}/answers/answers.json"
    answers: dict[str, Any] = json.loads(azure.written(path))
    answers["answers"] = [1e6 for _ in answers["answers"]]

    assert "201" in steal(azure, bench, rows, ("PUT", f"runs/{path}", json.dumps(answers).encode()))

    assert bench.jobs.get(name).status is RunStatus.RUNNING
    log = compute.run(name)
    assert bench.jobs.get(name).status is RunStatus.FAILED
    assert f"The {spoiled}: its answers were changed after it gave them" in log


@attack(
    point=5,
    does="lets a training in Azure overwrite the champion's model before the champion answers",
    answer="the run copies the model, compares its digest with the registered one, and refuses to "
    "answer: the evaluation fails and is not a verdict",
    log="the run's log: The champion: its model folder was changed after it was registered",
    before="succeeded",
    azure=ONLY,
)
def test_a_champion_whose_model_a_training_overwrote_does_not_answer(
    azure: Azure, bench: Bench, rows: bytes
) -> None:
    data = bench.add(rows)
    champion = bench.register(bench.train("train-diabetes-a", data, TOY), data)
    challenger = bench.train("train-diabetes-b", data, TOY)
    [path] = [
        n for n in azure.blobs.containers["runs"] if n.startswith("runs/train-diabetes-a/mod")
    ]

    assert "201" in steal(azure, bench, rows, ("PUT", f"runs/{path}", b"1000000"))

    evaluation = bench.evaluate(challenger, data, champion)
    assert bench.jobs.get(evaluation).status is RunStatus.FAILED
    log = bench.jobs.log(evaluation, 10_000).decode()
    assert "The champion: its model folder was changed after it was registered" in log
