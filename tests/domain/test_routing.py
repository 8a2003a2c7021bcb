from pathlib import Path

import pytest

from function_app.domain.events import DataArrived, ModelRegistered, RunCompleted
from function_app.domain.routing import Start, Wake, route
from function_app.errors import ConfigError, ContractError
from function_app.settings import read_projects, read_settings

ROOT = Path(__file__).parents[2]
PROJECTS = read_projects(ROOT / "mlops.toml")
DATA = DataArrived(container="data", path="diabetes/new.csv", uri="u", etag="e")


def test_data_starts_a_training_named_after_its_cause() -> None:
    found = route(DATA, "0123456789abcdef", PROJECTS)

    assert isinstance(found, Start)
    assert (found.story, found.instance_id) == ("train_model", "train-diabetes-0123456789ab")


def test_a_registered_model_starts_its_release() -> None:
    found = route(ModelRegistered(model="diabetes", version="3"), "c", PROJECTS)

    assert isinstance(found, Start)
    assert found.instance_id == "release-diabetes-3"


def test_a_completed_run_wakes_the_story_that_its_tag_names() -> None:
    event = RunCompleted(run_id="r1", tags={"instance_id": "train-x"})

    assert route(event, "c", PROJECTS) == Wake(instance_id="train-x", event="RunCompleted-r1")


@pytest.mark.parametrize(
    "event",
    [
        DataArrived(container="data", path="other/new.csv", uri="u", etag="e"),
        ModelRegistered(model="unknown", version="1"),
        RunCompleted(run_id="r1"),
    ],
)
def test_an_event_that_nothing_wants_is_named_with_a_remedy(
    event: DataArrived | ModelRegistered | RunCompleted,
) -> None:
    with pytest.raises(ContractError):
        route(event, "c", PROJECTS)


def test_an_unknown_platform_is_refused() -> None:
    with pytest.raises(ConfigError, match="MLOPS_PLATFORM is 'moon'"):
        read_settings({"MLOPS_PLATFORM": "moon"}, ROOT)


def test_a_key_of_the_wrong_type_is_named(tmp_path: Path) -> None:
    text = (ROOT / "mlops.toml").read_text().replace("min_rows = 100", 'min_rows = "many"')
    (tmp_path / "mlops.toml").write_text(text)

    with pytest.raises(ConfigError, match=r"data\.min_rows: expected int, got str"):
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
