"""An evaluation on Azure ML: models answer in jobs of their own before another job judges."""

from function_app.domain.gates import GatePolicy
from function_app.domain.training import ModelVersion, Run, RunStatus
from tests.adapters.azure.job_samples import dataset
from tests.azure_servers.azure import Azure, sdk_warnings

pytestmark = sdk_warnings
TRAINING, EVALUATION = "train-diabetes-a", "train-diabetes-a-vs-1"
ASKS = (f"{EVALUATION}-asks-challenger", f"{EVALUATION}-asks-champion")
CHAMPION = ModelVersion(
    model="diabetes", version="1", run_id="train-diabetes-0", uri="azureml:diabetes:1", digest=""
)


POLICY = GatePolicy(bar=1.0)


def evaluated(azure: Azure, policy: GatePolicy = POLICY) -> Run:
    """Submit an evaluation against a champion, as a story does."""
    jobs = azure.jobs()
    run = jobs.submit(TRAINING, dataset(azure), "prepare-a", None, {"instance_id": "story"})
    azure.ml.move(TRAINING, "Completed")
    azure.wrote(f"runs/{TRAINING}/model/model.skops", b"x")
    return jobs.submit_evaluation(
        EVALUATION, run, "prepare-a", CHAMPION, policy, {"instance_id": "story"}
    )


def inputs(azure: Azure, job: str) -> dict[str, str]:
    given = azure.ml.resources[f"/jobs/{job}"]["properties"]["inputs"]
    return {name: value.get("uri", "") for name, value in given.items()}


def test_models_answer_before_the_figures_are_computed(azure: Azure) -> None:
    assert evaluated(azure).status is RunStatus.RUNNING
    assert f"/jobs/{EVALUATION}" not in azure.ml.resources

    azure.ml.move(ASKS[0], "Completed")
    assert azure.jobs().get(EVALUATION).status is RunStatus.RUNNING
    assert f"/jobs/{EVALUATION}" not in azure.ml.resources
    azure.ml.move(ASKS[1], "Completed")

    assert azure.jobs().get(EVALUATION).status is RunStatus.RUNNING
    assert f"/jobs/{EVALUATION}" in azure.ml.resources
    azure.ml.move(EVALUATION, "Completed")
    assert azure.jobs().get(EVALUATION).status is RunStatus.COMPLETED


def test_no_job_has_both_the_targets_and_the_code_of_a_model(azure: Azure) -> None:
    evaluated(azure)
    for ask in ASKS:
        azure.ml.move(ask, "Completed")
    azure.jobs().get(EVALUATION)

    for ask in ASKS:
        given = inputs(azure, ask)
        assert {"model_code", "model", "asked"} <= set(given)
        assert not [uri for uri in given.values() if "held_out" in uri]
    judging = inputs(azure, EVALUATION)
    assert "held_out/" in judging["held_out"]
    assert not [name for name in judging if "model_code" in name or name == "champion"]
    command = azure.ml.resources[f"/jobs/{EVALUATION}"]["properties"]["command"]
    assert "platform_jobs judge" in command
    assert "--module" not in command


def test_a_repeated_submission_starts_no_second_job(azure: Azure) -> None:
    evaluated(azure)
    evaluated(azure)

    assert len(azure.arm.asked("PUT", f"/jobs/{EVALUATION}-asks")) == 2


def test_an_evaluation_whose_model_fails_to_answer_fails_with_the_name_of_its_run(
    azure: Azure,
) -> None:
    evaluated(azure)
    azure.ml.move(ASKS[0], "Failed")

    run = azure.jobs().get(EVALUATION)

    assert run.status is RunStatus.FAILED
    assert ASKS[0] in run.detail


def test_an_interrupted_answer_is_asked_for_again(azure: Azure) -> None:
    evaluated(azure)
    azure.ml.move(ASKS[0], "NotResponding")
    assert azure.jobs().get(EVALUATION).status is RunStatus.INTERRUPTED

    assert evaluated(azure).status is RunStatus.RUNNING
    assert f"/jobs/{ASKS[0]}-attempt-2" in azure.ml.resources


def test_a_cancelled_evaluation_stops_its_answers_and_judges_nothing(azure: Azure) -> None:
    evaluated(azure)

    azure.jobs().cancel(EVALUATION, "ada cancelled it.")

    run = azure.jobs().get(EVALUATION)
    assert run.status is RunStatus.CANCELLED
    assert "ada cancelled it." in run.detail
    assert all(
        azure.ml.resources[f"/jobs/{ask}"]["properties"]["status"] == "CancelRequested"
        for ask in ASKS
    )
    assert f"/jobs/{EVALUATION}" not in azure.ml.resources


def test_budgets_are_measured_where_the_models_answer(azure: Azure) -> None:
    evaluated(azure, GatePolicy(bar=1.0, max_model_bytes=9, max_predict_ratio=2.0))

    for ask in ASKS:
        job = azure.ml.resources[f"/jobs/{ask}"]["properties"]
        assert job["command"].split(" ask ")[1].split(";")[0].count(" --size --time") == 1
        # predict runs 12 times.
        assert job["limits"]["timeout"] == "PT2H10M"


def test_the_challenger_alone_is_asked_for_declared_directions(azure: Azure) -> None:
    evaluated(azure, GatePolicy(bar=1.0, increasing=("a b",), decreasing=("s3",)))
    for ask in ASKS:
        azure.ml.move(ask, "Completed")
    azure.jobs().get(EVALUATION)

    words = "'--increasing=a b' --decreasing=s3 --tolerance 0.01"
    commands = [
        azure.ml.resources[f"/jobs/{job}"]["properties"]["command"] for job in (*ASKS, EVALUATION)
    ]
    assert [words in command for command in commands] == [True, False, True]
