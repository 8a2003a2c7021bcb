"""A model that sh and awk train goes to production, served by a service of its own."""

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.mlopsctl.app_copy import run
from tests.platform_jobs.shell_project import write_script
from tests.stories.conftest import App
from tests.stories.new_model import copy_with_model, promoted
from tests.stories.traffic import caller_of

MODEL = "line"


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    clone = copy_with_model(tmp_path / "clone", MODEL, "empty")
    (clone / MODEL / "__main__.py").unlink()
    write_script(clone, MODEL)
    tables = clone / "mlops.toml"
    words = f'training = "{MODEL}"'
    tables.write_text(tables.read_text().replace(words, f'{words}\ncommand = ["sh", "model.sh"]'))
    monkeypatch.setenv("MLOPS_PROJECTS", str(tables))
    started = App(tmp_path / "state", clone)
    yield started
    started.stop()


def test_a_model_of_a_shell_script_goes_to_production(app: App, tmp_path: Path) -> None:
    checked = run(app.root, "mlopsctl", "contract", MODEL)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "ok      command sh model.sh: it starts in line" in checked.stdout

    sample = (app.state / "datasets" / MODEL / "baseline.csv").read_text()
    assert len(sample.splitlines()) == 401, "the script wrote the reference data"
    head, *lines = sample.splitlines(keepends=True)
    parts = {
        f"part-{n:05} of 3.csv": "".join([head, *lines[n * 134 : (n + 1) * 134]]) for n in range(3)
    }
    for name, text in parts.items():
        app.drop(f"{MODEL}/day/{name}", text)
    outcome = promoted(app, MODEL, "", f"{MODEL}/day/_SUCCESS")
    versions = (app.state / "datasets" / MODEL).glob("*.csv")
    [version] = filter(zipfile.is_zipfile, versions)
    with zipfile.ZipFile(version) as archive:
        assert {name: archive.read(name).decode() for name in archive.namelist()} == parts

    golden = json.loads(
        next((app.state / "models").glob(f"{MODEL}/*/evaluation/golden.json")).read_text()
    )
    caller = caller_of(app.api, MODEL)
    url = f"{outcome['endpoint']}/score"
    answer = httpx.post(url, json={"data": golden["data"]}, headers=caller).json()
    assert answer["result"] == pytest.approx(golden["result"])
    links = app.api.get(f"/api/models/{MODEL}/versions/1/lineage")["links"]
    [lock] = [link for link in links if link["link"] == "lock"]
    assert lock["facts"]["command"] == "sh model.sh"
