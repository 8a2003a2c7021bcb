"""What somebody deleted or left behind leads to an outcome with a reason."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from function_app.activities.releases import build_image, roll_back_production
from function_app.activities.training import evaluate_challenger, submit_evaluation
from function_app.adapters.local.approvers import LocalApprovers
from function_app.domain.gates import Comparison, GatePolicy
from function_app.domain.release import Release, ReleasePolicy
from function_app.domain.requests import Evaluation, EvaluationRequest, RollBack
from function_app.domain.serving import Image, Rollout
from function_app.domain.training import ModelVersion, Run, RunStatus
from function_app.errors import ContractError, NotFoundError
from function_app.ports import Ports

SERVED = Image(model="diabetes", version="3", digest="sha256:x", uri="")
RUN = Run(
    run_id="train-diabetes-a",
    model="diabetes",
    status=RunStatus.COMPLETED,
    dataset_version="d",
    output_uri="",
)


class Deleted:
    """A registry without the version that production serves."""

    def get(self, model: str, version: str) -> ModelVersion:
        raise NotFoundError(f"{model} has no version {version}.")

    def mark_champion(self, version: ModelVersion) -> None:
        raise AssertionError("there is no version to mark")


class Serving:
    """Production that serves version 3."""

    def champion(self, model: str) -> Image:
        return SERVED

    def roll_back(self, model: str, image: Image | None) -> Rollout:
        return Rollout(done=True)


class Evaluations:
    """Runs of which an evaluation has a challenger only."""

    def __init__(self) -> None:
        self.champions: list[ModelVersion | None] = []

    def get(self, run_id: str) -> Run:
        return RUN

    def comparison(self, run_id: str) -> Comparison:
        return Comparison(rows=2, challenger_mse=0.0)

    def submit_evaluation(
        self, run_id: str, run: Run, preparation_id: str, champion: Any, policy: Any, tags: Any
    ) -> Run:
        self.champions.append(champion)
        return RUN


def ports(**given: Any) -> Ports:
    return cast(
        Ports,
        SimpleNamespace(registry=Deleted(), production=Serving(), jobs=Evaluations(), **given),
    )


def test_a_deleted_served_version_does_not_lock_its_model() -> None:
    given = ports()

    submit_evaluation(
        given,
        EvaluationRequest(run=RUN, preparation_id="p", instance_id="i", policy=GatePolicy(bar=1.0)),
    )
    result = evaluate_challenger(given, Evaluation(evaluation_id="x", policy=GatePolicy(bar=100.0)))

    assert cast(Evaluations, given.jobs).champions == [None]
    assert "version 3" in result.reasons[-1]
    assert "no longer in the registry" in result.reasons[-1]


def test_a_roll_back_to_a_version_that_was_deleted_is_done() -> None:
    done = roll_back_production(ports(), RollBack(model="diabetes", former=SERVED))

    assert (done.done, done.image) == (True, SERVED)


def test_a_version_of_other_people_is_not_built() -> None:
    class Foreign:
        def get(self, model: str, version: str) -> ModelVersion:
            return ModelVersion(model=model, version=version, run_id="", uri="", digest="")

    release = Release(
        release_id="release-diabetes-7",
        model="diabetes",
        version="7",
        policy=ReleasePolicy(approvers=("ada",)),
    )
    with pytest.raises(ContractError, match="not registered by this app"):
        build_image(cast(Ports, SimpleNamespace(registry=Foreign())), release)


def test_files_that_are_no_tokens_keep_no_approver_out(tmp_path: Path) -> None:
    approvers = LocalApprovers(tmp_path)
    approvers.ensure("ada")
    folder = tmp_path / "approvers"
    (folder / "a.token").write_bytes(b"\xff\xfe")
    (folder / "b.token").mkdir()
    (folder / "c.token").write_bytes(b"")

    assert approvers.identify((folder / "ada.token").read_text()) == "ada"
    assert approvers.identify("") is None
