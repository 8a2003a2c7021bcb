from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from function_app.domain.change.integration import ChangeRequest
from function_app.domain.events.events import (
    CodeProposed,
    CodePushed,
    DataArrived,
    DomainEvent,
    DriftDetected,
    ImagePushed,
    ModelDeployed,
    ModelRegistered,
    NothingToDo,
    RunCompleted,
    TrainingRequested,
)
from function_app.domain.project import CodeRules
from function_app.domain.routing import Start, Wake, route
from function_app.domain.training import TrainingRequest
from function_app.errors import ConfigError, ContractError
from function_app.settings.settings import read_projects, read_settings

ROOT = Path(__file__).parents[2]
DIABETES = read_projects(ROOT / "mlops.toml")["diabetes"]
CODE = CodeRules(
    repository="https://github.com/org/models",
    branches=("main", "releases/*"),
    paths=("training/**", "*.toml"),
)
PROJECTS = {"diabetes": replace(DIABETES, code=CODE)}
DATA = DataArrived(source="s", container="data", path="diabetes/new.csv", uri="u", etag="e")
PUSH = CodePushed(
    repository="git@github.com:org/models.git",
    branch="main",
    commit="c" * 40,
    paths=("training/train.py",),
)


def start(event: DomainEvent, projects: Any = PROJECTS) -> Start:
    found = route(event, projects)
    assert isinstance(found, tuple)
    assert len(found) == 1
    return found[0]


def test_data_starts_a_training_named_after_its_cause() -> None:
    found = start(DATA)

    assert found.story == "train_model"
    assert found.instance_id == f"train-diabetes-{found.cause[:12]}"


def test_data_of_two_models_starts_a_training_of_each() -> None:
    found = route(DATA, {**PROJECTS, "obesity": DIABETES})

    assert isinstance(found, tuple)
    assert [type(s.argument) for s in found] == [TrainingRequest, TrainingRequest]
    assert found[0].cause != found[1].cause


def test_labels_of_predictions_are_no_training_data() -> None:
    labels = replace(DATA, path="diabetes/labels/may.csv")

    assert isinstance(route(labels, PROJECTS), NothingToDo)


def test_the_sequencers_of_one_file_sort_as_text_whatever_their_length() -> None:
    orders = [start(replace(DATA, sequencer=text)).order for text in ("9", "10", "00FF")]

    assert orders == sorted(orders)


def test_a_registered_model_starts_its_release() -> None:
    assert start(ModelRegistered(model="diabetes", version="3")).instance_id == "release-diabetes-3"


def test_a_completed_run_wakes_the_story_that_its_tag_names() -> None:
    event = RunCompleted(run_id="r1", tags={"instance_id": "train-x"})

    assert route(event, PROJECTS) == Wake(instance_id="train-x", event="RunCompleted-r1")


def test_the_end_of_a_later_attempt_wakes_the_story_that_waits_for_the_run() -> None:
    event = RunCompleted(run_id="r1-attempt-2", tags={"instance_id": "train-x"})

    assert route(event, PROJECTS) == Wake(instance_id="train-x", event="RunCompleted-r1")


def test_an_image_wakes_the_release_that_waits_for_it() -> None:
    event = ImagePushed(repository="diabetes", tag="3", digest="sha256:aa")

    found = route(event, PROJECTS)

    assert found == Wake(instance_id="release-diabetes-3", event="ImagePushed-release-diabetes-3")


def test_a_push_starts_the_checks_with_the_address_that_is_configured() -> None:
    found = start(PUSH)

    assert isinstance(found.argument, ChangeRequest)
    assert found.argument.change.repository == CODE.repository
    assert not found.argument.policy.plan.dry_run


def test_the_same_commit_has_one_cause_however_it_was_heard_of() -> None:
    other = replace(PUSH, repository="https://github.com/org/models.git", paths=None, author="x")

    assert start(PUSH).cause == start(other).cause


@pytest.mark.parametrize(
    ("change", "counts"),
    [
        ({"branch": "releases/1"}, True),
        ({"branch": "releases/1/2"}, False),
        ({"branch": "feature"}, False),
        ({"paths": ("docs/x.md",)}, False),
        ({"paths": ("pyproject.toml", "docs/x.md")}, True),
        ({"paths": ("deep/pyproject.toml",)}, False),
        ({"paths": None}, True),
    ],
)
def test_only_wanted_branches_and_files_count(change: dict[str, Any], counts: bool) -> None:
    found = route(replace(PUSH, **change), PROJECTS)

    assert isinstance(found, tuple) is counts
    assert isinstance(found, NothingToDo) is not counts


def test_a_pull_request_gets_a_dry_run_and_may_be_left_out() -> None:
    event = CodeProposed(
        repository=CODE.repository, branch="main", commit="c" * 40, number="7", author="eve"
    )

    found = start(event)
    without = {"diabetes": replace(DIABETES, code=replace(CODE, pull_requests=False))}

    assert isinstance(found.argument, ChangeRequest)
    assert found.argument.policy.plan.dry_run
    assert isinstance(route(event, without), NothingToDo)


def test_drift_and_requests_without_data_train_on_the_newest() -> None:
    drift = start(DriftDetected(model="diabetes", report_id="r", reason="bmi moved")).argument
    asked = start(TrainingRequested(model="diabetes", uri="", request_id="1")).argument

    assert isinstance(drift, TrainingRequest)
    assert (drift.data_uri, drift.reason) == ("", "bmi moved")
    assert isinstance(asked, TrainingRequest)
    assert asked.data_uri == ""


def test_a_deployment_past_this_app_starts_a_comparison() -> None:
    event = ModelDeployed(service="aci", models=("diabetes:1",), event_id="e1")

    assert start(event).story == "reconcile"


@pytest.mark.parametrize(
    ("event", "code"),
    [
        (replace(DATA, path="other/new.csv"), "UNKNOWN_MODEL"),
        (ModelRegistered(model="unknown", version="1"), "UNKNOWN_MODEL"),
        (DriftDetected(model="unknown", report_id="1", reason="r"), "UNKNOWN_MODEL"),
        (replace(PUSH, repository="https://github.com/other/models"), "UNKNOWN_REPOSITORY"),
    ],
)
def test_an_event_that_nothing_wants_is_named_with_a_remedy(event: DomainEvent, code: str) -> None:
    with pytest.raises(ContractError) as caught:
        route(event, PROJECTS)

    assert caught.value.code == code


def test_runs_and_images_of_others_need_nothing() -> None:
    assert isinstance(route(RunCompleted(run_id="r1"), PROJECTS), NothingToDo)
    other = ImagePushed(repository="base", tag="1", digest="sha256:aa")
    assert isinstance(route(other, PROJECTS), NothingToDo)


def test_an_unknown_platform_is_refused() -> None:
    with pytest.raises(ConfigError, match="MLOPS_PLATFORM is 'moon'"):
        read_settings({"MLOPS_PLATFORM": "moon"}, ROOT)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("min_rows = 100", 'min_rows = "many"', r'data\.min_rows = "many": it must be a whole'),
        ("models.diabetes", "models.Diabetes_2", "a model's name must have 1 to 30 lower-case"),
    ],
)
def test_a_fault_of_a_key_is_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    text = (ROOT / "mlops.toml").read_text().replace(old, new)
    (tmp_path / "mlops.toml").write_text(text)

    with pytest.raises(ConfigError, match=message):
        read_projects(tmp_path / "mlops.toml")


def test_a_key_of_a_secret_is_not_shown() -> None:
    settings = read_settings({"MLOPS_TOPIC_KEY": "hidden-key"}, ROOT)

    assert "hidden-key" not in repr(settings)


def test_a_webhook_secret_belongs_to_its_source_and_is_hidden() -> None:
    settings = read_settings({"MLOPS_WEBHOOK_SECRET_BUILD_SERVER": "a long enough secret"}, ROOT)

    assert settings.webhook_secrets == {"build-server": "a long enough secret"}
    assert "long enough" not in repr(settings)


def test_a_webhook_secret_that_can_be_guessed_is_refused() -> None:
    with pytest.raises(ConfigError, match="MLOPS_WEBHOOK_SECRET_X is shorter than 16"):
        read_settings({"MLOPS_WEBHOOK_SECRET_X": "short"}, ROOT)


def test_a_webhook_secret_that_key_vault_did_not_give_is_refused() -> None:
    reference = "@Microsoft.KeyVault(VaultName=v;SecretName=webhook-x)"

    with pytest.raises(ConfigError, match="MLOPS_WEBHOOK_SECRET_X is a Key Vault reference"):
        read_settings({"MLOPS_WEBHOOK_SECRET_X": reference}, ROOT)
