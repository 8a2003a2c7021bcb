"""The clone's scoring script is used, byte for byte, or the report says why it is not."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from migration.clone import read_clone
from migration.parity import as_markdown, compare
from migration.project import write_project
from migration.script import STAND_INS, read_script
from scoring.stand_ins import CONTENTS
from tests.mlopsctl.seed_clone import SCORE, write_clone

ROOT = Path(__file__).parents[2]
FOLDER = "diabetes_regression/scoring"
SCRIPT = f"{FOLDER}/score.py"


def imported(tmp_path: Path, **change: str | None) -> tuple[Path, dict[str, Any]]:
    """Return the project that the import made of the clone, and its report."""
    clone, into = read_clone(write_clone(tmp_path / "clone", **change)), tmp_path / "project"
    (tmp_path / "own.csv").write_text("size,Y\n1,2\n3,4\n")
    script = read_script(clone)
    copied = write_project(clone, script, into, "sugar", tmp_path / "own.csv", ROOT)
    rows = compare(clone, script)
    (into / "PARITY.md").write_text(as_markdown(clone, rows, []))
    return into, {
        "copied": copied,
        "moved": script.places,
        "rows": [asdict(row) for row in rows],
    }


def row(report: dict[str, Any], item: str = "scoring script") -> dict[str, Any]:
    found: dict[str, Any] = {row["item"]: row for row in report["rows"]}[item]
    return found


def test_the_import_and_the_service_agree_on_the_replaced_packages() -> None:
    names = {module: tuple(content) for module, content in CONTENTS.items()}
    joblib = names.pop("sklearn.externals.joblib")

    assert {**names, "sklearn.externals.joblib": ()} == STAND_INS
    assert {"dump", "load"} <= set(joblib)


def test_the_script_and_what_it_imports_beside_it_go_into_the_service(tmp_path: Path) -> None:
    change = {
        SCRIPT: f"import shapes, names.nice\nimport requests\n{SCORE}",
        f"{FOLDER}/shapes.py": "import json\n",
        f"{FOLDER}/names/__init__.py": "",
        f"{FOLDER}/names/nice.py": "import tomli_w\nfrom azure.keyvault.secrets import SecretClient\n",
        f"{FOLDER}/scoreA.py": "def run(raw_data):\n    return 'New Model A'\n",
    }

    into, report = imported(tmp_path, **change)

    found = sorted(
        p.relative_to(into / "scoring/seed") for p in (into / "scoring/seed").rglob("*.*")
    )
    assert [str(p) for p in found] == [
        "model_name.txt",
        "names/__init__.py",
        "names/nice.py",
        "score.py",
        "shapes.py",
    ]
    assert (into / "scoring/seed/score.py").read_text() == change[SCRIPT]
    assert (into / "scoring/seed/model_name.txt").read_text() == "diabetes_regression_model.pkl\n"
    assert f"{FOLDER}/scoreA.py" in report["copied"]
    assert row(report)["here"].startswith("scoring/seed/score.py, byte for byte")
    packages = "azure-keyvault-secrets, requests, tomli_w"
    assert row(report)["todo"].startswith(f"Add {packages} to scoring/requirements.in")
    assert "fractions stay fractions" in row(report, "sample of the input")["here"]


def test_the_entry_script_and_the_file_it_names_are_taken_by_their_names(tmp_path: Path) -> None:
    own = 'import joblib, os\n\n\ndef init():\n    joblib.load(os.environ["AZUREML_MODEL_DIR"] + "/" + "a.joblib")\n\n\ndef run(raw_data):\n    return []\n'
    change = {
        f"{FOLDER}/inference_config.yml": "entryScript: serve.py\nruntime: python\n",
        f"{FOLDER}/serve.py": own,
    }

    into, report = imported(tmp_path, **change)

    assert report["moved"] == {f"{FOLDER}/serve.py": "scoring/seed/score.py"}
    assert (into / "scoring/seed/score.py").read_text() == own
    assert (into / "scoring/seed/model_name.txt").read_text() == "a.joblib\n"


TWO_FILES = 'def run(data):\n    open("a.pkl"), open("b.pkl")\n'


@pytest.mark.parametrize(
    ("script", "says"),
    [
        (None, "it is missing"),
        ("def run(:\n", "score.py, line 1"),
        ("def run(data):\n    '\0'\n", "source code string cannot contain null bytes"),
        ("def init():\n    pass\n", "it has no function run()"),
        ("async def run(data):\n    pass\n", "it has no function run()"),
        ("def run():\n    pass\n", "run() takes nothing"),
        ("def run(a, b, request_headers):\n    pass\n", "run() takes a, b; it must take the rows"),
        ("def run(data, *, mode):\n    pass\n", "run() takes data, mode"),
        ("def init(x):\n    pass\n\n\ndef run(d):\n    pass\n", "init() takes arguments"),
        (f"from azureml.core import Workspace\n{SCORE}", "imports azureml.core.Workspace"),
        (f"import azureml.dataprep\n{SCORE}", "imports azureml.dataprep, for which nothing"),
        (f"import ml_service.pipelines\n{SCORE}", "imports ml_service.pipelines, which is not in"),
        (TWO_FILES, "it names several files of models: a.pkl, b.pkl"),
    ],
)
def test_a_script_that_cannot_be_used_is_kept_and_told(
    tmp_path: Path, script: str | None, says: str
) -> None:
    into, report = imported(tmp_path, **{SCRIPT: script})

    assert says in row(report)["todo"]
    assert row(report)["here"].startswith("not used: the app's own service answers")
    assert says in (into / "PARITY.md").read_text()
    assert report["moved"] == {}
    assert not (into / "scoring" / "seed").exists()
    assert (into / "scoring" / "server.py").exists()
    assert script is None or (into / SCRIPT).read_text() == script
