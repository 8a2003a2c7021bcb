"""The app works in every folder of its clone and its state, with every name."""

import os
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.mlopsctl.app_copy import copy_app
from tests.stories.conftest import DIABETES, ROOT, App

NAME = "Müllers Übungs Ordner 100% a%20b #1"


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    clone = copy_app(tmp_path / NAME / "klon ü 50%")
    # A second replica takes two seconds of CPU to start.
    (clone / "mlops.toml").write_text(DIABETES.replace("replicas = 2", "replicas = 1"))
    monkeypatch.setenv("MLOPS_PROJECTS", str(clone / "mlops.toml"))
    made = App(clone / ".mlops #2", clone)
    yield made
    made.stop()


def test_a_release_is_promoted_and_survives_a_restart_in_any_folder(
    app: App, diabetes: str, tmp_path: Path
) -> None:
    app.drop("diabetes/neue Daten 100%.csv", diabetes)
    trained = app.ended(app.claimed("diabetes/neue Daten 100%.csv"))["output"]
    assert trained["outcome"] == "registered", trained["reasons"]
    app.at_step("release-diabetes-1", "awaiting approval")
    app.api.decide(app.api.release("release-diabetes-1"), "approve", "ada", "")

    promoted = app.ended("release-diabetes-1")["output"]

    assert promoted["status"] == "promoted", promoted["reasons"]
    digest = httpx.get(f"{promoted['endpoint']}/healthz").json()["image"]
    assert digest == promoted["image_digest"]
    app.kill()
    app.start()
    assert app.api.get("/api/releases/release-diabetes-1")["status"] == "promoted"
    assert httpx.get(f"{promoted['endpoint']}/healthz").json()["image"] == digest
    assert os.listdir(tmp_path) == [NAME]


def test_mlflow_works_below_a_folder_with_a_percent_sign(tmp_path: Path) -> None:
    packages = tmp_path / NAME / "site-packages"
    packages.parent.mkdir()
    packages.symlink_to(sysconfig.get_path("purelib"))
    state = tmp_path / NAME / "state"
    state.mkdir()
    program = (
        "import sys\nfrom pathlib import Path\n"
        "from function_app.adapters.local.jobs.mlflow_client import mlflow_client\n"
        "print(len(mlflow_client(Path(sys.argv[1])).search_registered_models()))\n"
    )

    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program, str(state)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{packages}{os.pathsep}{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.stdout.strip() == "0", ended.stderr[-2000:]
    assert (state / "mlflow.db").exists()
    assert os.listdir(tmp_path) == [NAME]
