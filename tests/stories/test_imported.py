"""A clone of the seed goes to production and is answered by the seed's own score.py."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from mlopsctl.imports import mlopspython
from scoring.predictor import Predictor
from tests.adapters.git.repositories import Repository, make_repository
from tests.long_stories import long_story
from tests.mlopsctl.seed_clone import SCORE, write_clone
from tests.stories.conftest import App
from tests.stories.new_model import promoted
from tests.stories.traffic import caller_of

SCRIPT = "diabetes_regression/scoring/score.py"
CHANGE = {
    SCRIPT: SCORE.replace("return {", 'return {"by": "the seed", '),
    "diabetes_regression/scoring/deployment_config_aks.yml": "computeType: AKS\nnumReplicas: 1\n",
}
MODEL = "diabetes-regression"


@pytest.fixture
def repository(tmp_path: Path, diabetes: str) -> Repository:
    """Return a repository with the project that was made of the clone."""
    made = make_repository(tmp_path / "served")
    (tmp_path / "reference.csv").write_text(diabetes)
    mlopspython(
        path=write_clone(tmp_path / "clone", **CHANGE),
        into=tmp_path / "project",
        data=tmp_path / "reference.csv",
        as_json=True,
    )
    for path in (tmp_path / "project").rglob("*"):
        if path.is_file():
            made.write(str(path.relative_to(tmp_path / "project")), path.read_bytes())
    return made


@pytest.fixture
def app(tmp_path: Path, repository: Repository, monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    table = (tmp_path / "project" / "mlops.toml").read_text()
    table = table.replace("https://example.com/your/repository", str(repository.bare))
    # The project's own tests are held in tests/mlopsctl/test_import.py.
    table = table.replace('tests = ["pytest", "-q"]', 'tests = ["true"]\nauto_train = false')
    (tmp_path / "mlops.toml").write_text(table)
    monkeypatch.setenv("MLOPS_PROJECTS", str(tmp_path / "mlops.toml"))
    monkeypatch.setenv("FUNCHOST_EVENTGRID_RETRY_SCALE", "0.05")
    # As docs/how-to/from-the-seed.md says: the project's reference data is put in place.
    baseline = tmp_path / "state" / "datasets" / MODEL / "baseline.csv"
    baseline.parent.mkdir(parents=True)
    baseline.write_bytes((tmp_path / "project" / "reference.csv").read_bytes())
    made = App(tmp_path / "state")
    yield made
    made.stop()


@long_story
def test_an_imported_project_goes_to_production_with_its_own_scoring_script(
    app: App, repository: Repository, diabetes: str, tmp_path: Path
) -> None:
    commit = repository.commit("what was imported")
    event = {
        "specversion": "1.0",
        "id": "1",
        "source": "test",
        "type": "Mlops.CodePushed",
        "subject": "a push",
        "data": {
            "repository": str(repository.bare),
            "ref": "refs/heads/main",
            "branch": "main",
            "commit": commit,
        },
    }
    started = app.api.post("/api/events", event)["receipts"][0]
    integrated = app.ended(started["instance_id"])["output"]
    assert integrated["outcome"] == "published", integrated

    outcome = promoted(app, MODEL, diabetes)

    place = next((app.state / "models").glob(f"{MODEL}/*/model")).parent
    model, rows = (
        place / "model",
        json.loads((place / "evaluation" / "golden.json").read_text())["data"],
    )
    caller = caller_of(app.api, MODEL)
    url = f"{outcome['endpoint']}/score"
    answer = httpx.post(url, json={"data": rows}, headers=caller)
    own = Predictor(model).answer({"data": rows}, {})
    assert answer.json() == {"by": "the seed", **own}, "run() answered, and differs by nothing"
    refused = httpx.post(url, json={"data": [[1]]}, headers=caller)
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "BAD_INPUT")
    health = httpx.get(f"{outcome['endpoint']}/healthz").json()
    assert health["image"] == outcome["image_digest"]
