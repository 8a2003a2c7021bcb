"""New code: a real `git push` to a bare repository, and all that follows by itself."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from mlopsctl.commands.show import find, lines
from tests.adapters.git.repositories import Repository, make_repository
from tests.funchost.conftest import until
from tests.stories.conftest import PROJECTS, ROOT, App

GOOD_TEST = '''"""The trainer trains."""

import numpy as np

from training.train import train


def test_a_line_is_learnt():
    x = np.arange(20.0).reshape(-1, 1)

    model = train(x, 2 * x[:, 0], {"alpha": 0.0001})

    assert abs(model.predict([[4.0]])[0] - 8) < 0.1
'''


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """Return a repository with the sample trainer and a unit test; the tests add commits."""
    made = make_repository(tmp_path_factory.mktemp("served"))
    for package in ("training", "scoring"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / package, made.work / package, ignore=ignored)
    made.write("tests/test_train.py", GOOD_TEST)
    made.write("ruff.toml", 'line-length = 100\nlint.select = ["E", "F"]\n')
    return made


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory, repository: Repository) -> Iterator[App]:
    folder = tmp_path_factory.mktemp("app")
    code = (
        f'\n[models.diabetes.code]\nrepository = "{repository.bare}"\n'
        'paths = ["training/**", "tests/**"]\nmin_coverage = 2\npoll_interval_seconds = 5\n'
    )
    (folder / "mlops.toml").write_text(PROJECTS + code)
    with pytest.MonkeyPatch.context() as environ:
        environ.setenv("MLOPS_PROJECTS", str(folder / "mlops.toml"))
        environ.setenv("FUNCHOST_EVENTGRID_RETRY_SCALE", "0.05")
        made = App(folder / "state")
        yield made
        made.stop()


@contextmanager
def hook(repository: Repository, url: str) -> Iterator[None]:
    """Let the repository tell an app at this address of each push."""
    path = repository.bare / "hooks" / "post-receive"
    path.parent.mkdir(exist_ok=True)
    shutil.copy(ROOT / "scripts" / "post-receive", path)
    repository.git("config", "mlops.url", url, at=repository.bare)
    yield
    path.unlink()


def stories(app: App, name: str) -> list[dict[str, Any]]:
    return [s for s in app.api.get("/api/status")["stories"] if s["story"] == name]


def integrated(app: App, commit: str) -> dict[str, Any]:
    """Return the ended story of a commit."""
    found: list[dict[str, Any]] = []

    def has_ended() -> bool:
        found[:] = [
            story
            for story in stories(app, "integrate_change")
            if story["ended"] and (story["output"] or {}).get("commit") == commit
        ]
        return bool(found)

    until(has_ended, f"the integration of {commit}", 90)
    return found[0]


def test_a_push_is_checked_trained_and_waits_for_approval(app: App, repository: Repository) -> None:
    with hook(repository, app.host.url):
        _check_good_commit(app, repository)
        _check_bad_commit(app, repository)


def _check_good_commit(app: App, repository: Repository) -> None:
    commit = repository.commit("the first trainer")

    story = integrated(app, commit)
    result = story["output"]
    assert (result["outcome"], result["code"]["commit"]) == ("published", commit), result
    assert "tests: 1 test passed." in result["reasons"]

    # The release came of nothing but the push, by the code that was pushed.
    until(lambda: app.find("release-diabetes-1"), "a release", 90)
    app.at_step("release-diabetes-1", "awaiting approval")
    [trained] = stories(app, "train_model")
    training = app.ended(trained["instance_id"])
    assert training["output"]["outcome"] == "registered"

    # The push named no file: the app names the newest, which the code was trained on.
    file, version = training["facts"]["data"], training["facts"]["data_version"]
    assert file.endswith(f"/{version}.csv")
    shown = "\n".join(lines(find(app.api, training["instance_id"])))
    assert file in shown
    assert version in shown
    links = app.api.get("/api/models/diabetes/versions/1/lineage")["links"]
    [data] = [link for link in links if link["link"] == "data"]
    assert (data["digest"], data["facts"]["path"]) == (version, file)

    # The reports are served as they are, and nothing else of the run is.
    junit = app.ask("GET", result["reports"]["junit.xml"])
    assert (junit.status_code, junit.headers["content-type"].split(";")[0]) == (200, "text/xml")
    assert junit.headers["x-content-type-options"] == "nosniff"
    assert "test_a_line_is_learnt" in junit.text
    log = app.ask("GET", result["reports"]["tests.log"])
    assert log.headers["content-type"].startswith("text/plain")
    run = result["reports"]["junit.xml"].split("/")[3]
    for path in (f"{run}/reports/plan.json", f"{run}/reports/..%2fplan.json", "none/reports/x"):
        assert app.ask("GET", f"/api/runs/{path}").status_code == 404


def _check_bad_commit(app: App, repository: Repository) -> None:
    """A commit that breaks a unit test stops with the report linked; other files are no news."""
    repository.write("README.md", "not code\n")
    repository.commit("words only")
    repository.write("tests/test_train.py", GOOD_TEST.replace("< 0.1", "< 0"))
    commit = repository.commit("a broken test")

    result = integrated(app, commit)["output"]

    assert result["outcome"] == "rejected"
    assert "test_a_line_is_learnt" in result["reasons"][0]
    assert app.ask("GET", result["reports"]["junit.xml"]).status_code == 200
    assert len(stories(app, "train_model")) == 1
    current = app.state / "published" / "diabetes" / "current.json"
    assert commit not in current.read_text()


def test_a_push_that_nobody_told_of_is_found_by_looking(app: App, repository: Repository) -> None:
    repository.write("tests/test_train.py", "def test_nothing():\n    assert 0\n")
    commit = repository.commit("no hook is there")

    assert integrated(app, commit)["output"]["outcome"] == "rejected"


def test_a_pull_request_is_tried_and_changes_nothing(app: App, repository: Repository) -> None:
    repository.git("checkout", "--quiet", "-b", "proposal")
    repository.write("tests/test_train.py", GOOD_TEST)
    repository.write("training/more.py", '"""More."""\n')
    commit = repository.commit("a proposal", branch="proposal")
    event = {
        "specversion": "1.0",
        "id": "1",
        "source": "test",
        "type": "Mlops.CodeProposed",
        "subject": "a pull request",
        "data": {
            "repository": str(repository.bare),
            "ref": "refs/heads/main",
            "branch": "main",
            "commit": commit,
            "number": "7",
        },
    }
    app.api.post("/api/events", event)

    result = integrated(app, commit)["output"]

    assert result["outcome"] == "checked", result
    assert any("dry run: It keeps the contract" in r for r in result["reasons"])
    assert "dry-run.log" in result["reports"]


def test_a_push_succeeds_when_the_app_is_away(tmp_path: Path) -> None:
    repository = make_repository(tmp_path)

    with hook(repository, "http://127.0.0.1:9"):
        commit = repository.commit("nobody listens")

    assert repository.git("rev-parse", "main", at=repository.bare) == commit
