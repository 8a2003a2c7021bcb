"""A clone of the seed becomes a project that passes our checks and trains to the same figures."""

import hashlib
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from function_app.settings.settings import read_projects
from migration.clone import SeedError, read_clone
from migration.manifest import describe_model
from migration.project import write_project
from migration.script import read_script
from tests.mlopsctl import invocation
from tests.mlopsctl.seed_clone import FILES, TRAIN, write_clone

ROOT = Path(__file__).parents[2]
SECRETS = ("hunter2-of-the-principal", "hunter2-in-a-variable")
FOLDER = "diabetes_regression"


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return invocation.run("import", "mlopspython", *words, environ={})


def digest(folder: Path) -> dict[str, str]:
    """Return the hash of each file, without the modules that Python compiled."""
    found = sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc")
    return {str(p): hashlib.sha256(p.read_bytes()).hexdigest() for p in found}


def test_the_project_keeps_the_code_and_its_figures(tmp_path: Path) -> None:
    clone, into = write_clone(tmp_path / "clone"), tmp_path / "project"
    before = digest(clone)

    ended = run(str(clone), "--into", str(into), "--check", "--json")

    assert ended.returncode == 0, ended.stderr
    assert digest(clone) == before, "the clone is only read"
    report = json.loads(ended.stdout)
    assert report["model"] == "diabetes-regression"
    assert report["figures"]["seed"] == pytest.approx(3295.715, abs=0.001), "the seed's own figure"
    assert report["figures"]["here"] == pytest.approx(report["figures"]["seed"], abs=1e-9)
    places = {name: name for name in report["copied"]} | report["moved"]
    for name, place in places.items():
        assert (into / place).read_text() == FILES[name]
    assert f"{FOLDER}/training/train_aml.py" not in report["copied"]
    assert not [
        s
        for s in SECRETS
        for path in into.rglob("*")
        if path.is_file() and s.encode() in path.read_bytes()
    ]
    assert "SP_APP_SECRET" in (into / "PARITY.md").read_text()


def test_the_report_tells_what_was_found_and_nothing_else(tmp_path: Path) -> None:
    clone, into = write_clone(tmp_path / "clone"), tmp_path / "project"

    rows = json.loads(run(str(clone), "--into", str(into), "--json").stdout)["rows"]

    by_item = {row["item"]: row for row in rows}
    off = by_item["switching the evaluation off"]
    assert (off["status"], bool(off["todo"])) == ("changed", True)
    assert off["found"].endswith("variables-template.yml:6: RUN_EVALUATION = false")
    assert by_item["a variable of your own"]["found"].endswith(":12: OUR_FEATURE_STORE")
    assert by_item["training with R"]["status"] == "not carried over"
    assert by_item["batch scoring"]["status"] == "not carried over"
    assert "training with R on Databricks" not in by_item, "its variable is empty"
    assert "deployment to a Web App" not in by_item, "there is none"
    assert "minReplicas 3" in by_item["replicas and limits of production"]["found"]


def test_the_app_reads_the_manifest(tmp_path: Path) -> None:
    clone, into = write_clone(tmp_path / "clone"), tmp_path / "project"
    run(str(clone), "--into", str(into), "--name", "sugar")

    project = read_projects(into / "mlops.toml")["sugar"]

    assert project.release.replicas == 3
    assert project.release.max_p95_ms == 5000.0
    assert project.schedules[0].cron == "0 0 3 * * 1,3,5"
    assert project.data.columns[-1] == "Y"
    assert project.gate.bar == pytest.approx(5930, abs=1), "what predicting the mean gives"
    assert tomllib.loads((into / "mlops.toml").read_text())["models"]["sugar"]["prefix"] == "sugar/"


def test_the_project_passes_the_checks_of_new_code(tmp_path: Path) -> None:
    clone, into = write_clone(tmp_path / "clone"), tmp_path / "project"
    run(str(clone), "--into", str(into))
    rules = tomllib.loads((into / "mlops.toml").read_text())["models"]["diabetes-regression"][
        "code"
    ]
    plan = {
        "lint": rules["lint"],
        "tests": rules["tests"],
        "training": "training",
        "dry_run": True,
        "timeout_seconds": 100,
    }
    (tmp_path / "plan.json").write_text(json.dumps(plan))
    command = [sys.executable, "-m", "checks", "--code", str(into), "--plan"]
    command += [str(tmp_path / "plan.json"), "--out", str(tmp_path / "reports")]
    command += ["--data", str(into / "reference.csv")]

    subprocess.run(command, cwd=ROOT, check=False)

    report = json.loads((tmp_path / "reports" / "checks.json").read_text())
    results = {one["name"]: (one["passed"], one["detail"]) for one in report["results"]}
    assert all(passed for passed, _ in results.values()), results
    assert results["tests"][1].startswith("2 tests passed"), (
        "the seed's own, and one of the project"
    )


TWO = {"other/training/train.py": TRAIN}
OLD = "def train_model(run, data, alpha):\n    pass\n\n\ndef split_data(df):\n    pass\n"


@pytest.mark.parametrize(
    ("change", "words", "says"),
    [
        ({}, ["--name", "No Model!"], "is not a name of a model"),
        (TWO, [], "2 models: diabetes_regression, other. Name one: --folder"),
        ({}, ["--folder", "absent"], "has no absent/training/train.py; folders with one"),
        (
            {f"{FOLDER}/parameters.json": '{"training":\n {"alpha": }'},
            [],
            "parameters.json, line 2",
        ),
        ({f"{FOLDER}/training/train.py": "def f(:\n"}, [], "train.py, line 1"),
        ({f"{FOLDER}/training/train.py": OLD}, [], "train_model must take 2 arguments; there is 3"),
        ({f"{FOLDER}/training/train.py": "print(1)\n"}, [], "it is of 2019"),
        ({".pipelines/diabetes_regression-ci.yml": "a: [\n"}, [], "this is not YAML"),
        (
            {
                f"{FOLDER}/training/train.py": f"import utils.log\n{TRAIN}",
                "utils/log.py": "import azureml\n",
            },
            [],
            "imports utils/log.py, which needs azureml. Take that import out first.",
        ),
        ({"ml_service/pipelines/data_set.py": None}, [], "Give a CSV of the training data: --data"),
    ],
)
def test_an_impossible_import_is_refused_with_the_reason(
    tmp_path: Path, change: dict[str, str | None], words: list[str], says: str
) -> None:
    clone, into = write_clone(tmp_path / "clone", **change), tmp_path / "project"

    ended = run(str(clone), "--into", str(into), *words)

    assert ended.returncode == 1
    assert says in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not into.exists()


AKS = f"{FOLDER}/scoring/deployment_config_aks.yml"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({AKS: "autoScaler: [1]\n"}, "autoScaler must be an object, not [1]"),
        ({AKS: "autoScaler:\n  minReplicas: two\n"}, "replicas must be a number, not 'two'"),
        ({AKS: "scoringTimeoutMs: .inf\n"}, "scoringTimeoutMs must be a number, not inf"),
        ({AKS: "containerResourceRequirements: 1\n"}, "containerResourceRequirements must be an"),
        ({AKS: "made: 2020-13-45\n"}, "this is not YAML"),
        ({f"{FOLDER}/parameters.json": '{"training": [1]}'}, "training must be an object"),
        ({f"{FOLDER}/parameters.json": '{"registration": "x"}'}, "registration must be an object"),
    ],
)
def test_a_value_that_cannot_be_used_is_an_error_that_names_it(
    tmp_path: Path, change: dict[str, str | None], says: str
) -> None:
    with pytest.raises(SeedError, match=re.escape(says)):
        read_clone(write_clone(tmp_path, **change))


def test_null_values_count_as_missing_ones(tmp_path: Path) -> None:
    change: dict[str, str | None] = {
        AKS: "autoScaler: null\ncontainerResourceRequirements: null\n",
        f"{FOLDER}/parameters.json": '{"training": null}',
    }
    clone = read_clone(write_clone(tmp_path, **change))

    assert (clone.replicas(), clone.slowest_ms(), clone.section("training")) == (1, 500.0, {})


def test_a_folder_that_python_cannot_import_is_refused(tmp_path: Path) -> None:
    (tmp_path / "my-model" / "training").mkdir(parents=True)
    (tmp_path / "my-model" / "training" / "train.py").write_text(TRAIN)

    with pytest.raises(SeedError, match="my-model is not a name of a Python package"):
        read_clone(tmp_path)


def test_columns_with_any_letter_are_read_back_from_the_manifest(tmp_path: Path) -> None:
    clone = read_clone(write_clone(tmp_path))
    columns = ["größe", "\N{GRINNING FACE}", 'a"b\\c', "<BAR>", "Y"]

    text = describe_model(clone, "sugar", columns, 2.0)

    assert tomllib.loads(text)["models"]["sugar"]["data"]["columns"] == columns


def test_a_target_that_is_no_finite_number_is_refused(tmp_path: Path) -> None:
    clone, own = read_clone(write_clone(tmp_path / "clone")), tmp_path / "own.csv"
    own.write_text("size,Y\n1,nan\n2,3\n")

    with pytest.raises(SeedError, match="numbers in a column Y"):
        write_project(clone, read_script(clone), tmp_path / "p", "sugar", own, ROOT)


def test_a_folder_that_holds_something_and_the_clone_itself_are_not_written_to(
    tmp_path: Path,
) -> None:
    clone, into = write_clone(tmp_path / "clone"), tmp_path / "project"
    into.mkdir()
    (into / "mine").write_text("x")

    assert "is not an empty folder" in run(str(clone), "--into", str(into)).stderr
    assert "lies in the clone" in run(str(clone), "--into", str(clone / "new")).stderr
    assert "is not a folder" in run(str(tmp_path / "nowhere"), "--into", str(tmp_path / "p")).stderr
    assert "is not a clone of MLOpsPython" in run(str(into), "--into", str(tmp_path / "p")).stderr


def test_data_of_ones_own_gives_columns_and_bar(tmp_path: Path) -> None:
    change = {"ml_service/pipelines/data_set.py": None}
    clone, into = write_clone(tmp_path / "clone", **change), tmp_path / "project"
    own = tmp_path / "own.csv"
    own.write_text("size,Y\n" + "".join(f"{n},{2 * n}\n" for n in range(20)))

    ended = run(str(clone), "--into", str(into), "--data", str(own), "--check", "--json")

    assert ended.returncode == 0, ended.stderr
    project = read_projects(into / "mlops.toml")["diabetes-regression"]
    assert project.data.columns == ("size", "Y")
    assert project.gate.bar == 133.0
    own.write_text("size\n1\n")
    wrong = run(str(clone), "--into", str(tmp_path / "p"), "--data", str(own))
    assert "numbers in a column Y" in wrong.stderr


def test_a_package_of_the_clone_that_the_training_imports_comes_along(tmp_path: Path) -> None:
    change = {
        f"{FOLDER}/training/train.py": f"import utils.log\n{TRAIN}",
        "utils/log.py": "X = 1\n",
    }
    clone, into = write_clone(tmp_path / "clone", **change), tmp_path / "project"

    ended = run(str(clone), "--into", str(into), "--check", "--json")

    assert ended.returncode == 0, ended.stderr
    assert "utils/log.py" in json.loads(ended.stdout)["copied"]


CLASSIFIER = (
    TRAIN.replace("import Ridge", "import LogisticRegression")
    .replace("Ridge(**ridge_args)", "LogisticRegression(max_iter=1000)")
    .replace("mean_squared_error", "accuracy_score")
    .replace('"mse"', '"accuracy"')
)


@pytest.fixture
def classes(tmp_path: Path) -> Path:
    path = tmp_path / "classes.csv"
    path.write_text("size,Y\n" + "".join(f"{n},{int(n > 20)}\n" for n in range(40)))
    return path


def test_a_classifier_is_compared_by_its_own_metric_and_told_of_the_gates(
    tmp_path: Path, classes: Path
) -> None:
    clone = write_clone(tmp_path / "clone", **{f"{FOLDER}/training/train.py": CLASSIFIER})
    into = tmp_path / "project"

    ended = run(str(clone), "--into", str(into), "--data", str(classes), "--check", "--json")

    assert ended.returncode == 0, ended.stderr
    figures = json.loads(ended.stdout)["figures"]
    assert figures["metric"] == "accuracy"
    assert figures["seed"] == figures["here"] == 1.0
    report = (into / "PARITY.md").read_text()
    assert "get_model_metrics gives accuracy" in report
    assert "The gate compares mse and ignores accuracy." in report


def test_the_report_names_the_gates_metric_without_a_check(tmp_path: Path, classes: Path) -> None:
    clone = write_clone(tmp_path / "clone", **{f"{FOLDER}/training/train.py": CLASSIFIER})

    ended = run(str(clone), "--into", str(tmp_path / "p"), "--data", str(classes), "--json")

    rows = {row["item"]: row for row in json.loads(ended.stdout)["rows"]}
    row = rows["metric that models are compared by"]
    assert "gives accuracy" in row["found"]
    assert "does not go by accuracy" in row["todo"]
    again = run(str(write_clone(tmp_path / "other")), "--into", str(tmp_path / "q"), "--json")
    assert "metric that models are compared by" not in again.stdout


def test_a_check_that_stops_leaves_a_whole_project_and_goes_on_when_asked_again(
    tmp_path: Path,
) -> None:
    broken = TRAIN.replace(
        'return {"mse"', 'raise RuntimeError("no metric today")\n    return {"mse"'
    )
    clone = write_clone(tmp_path / "clone", **{f"{FOLDER}/training/train.py": broken})
    words = [str(clone), "--into", str(tmp_path / "project"), "--check"]
    train = tmp_path / "project" / FOLDER / "training" / "train.py"

    stopped = run(*words)
    report = (tmp_path / "project" / "PARITY.md").read_text()
    train.write_text(TRAIN)
    resumed = run(*words)

    assert stopped.returncode == 1
    assert "no metric today" in stopped.stderr
    assert "run the command again" in " ".join(stopped.stderr.split())
    assert "Not compared: " in report
    assert "training parameters" in report
    assert resumed.returncode == 0, resumed.stderr
    assert "so nothing was written" in " ".join(resumed.stdout.split())
    assert train.read_text() == TRAIN, "the correction stays"
    assert "mean squared error" in (tmp_path / "project" / "PARITY.md").read_text()


def test_an_import_that_was_killed_half_way_is_written_again(tmp_path: Path) -> None:
    clone, into = write_clone(tmp_path / "clone"), tmp_path / "project"
    run(str(clone), "--into", str(into))
    whole = digest(into)
    mark = json.loads((into / "import.json").read_text())
    (into / "import.json").write_text(json.dumps({**mark, "whole": False}))
    (into / "training" / "train.py").unlink()
    (into / "mlops.toml").unlink()

    ended = run(str(clone), "--into", str(into))

    assert ended.returncode == 0, ended.stderr
    assert digest(into) == whole


def test_force_writes_an_import_again_and_never_another_folder(tmp_path: Path) -> None:
    clone, into = write_clone(tmp_path / "clone"), tmp_path / "project"
    run(str(clone), "--into", str(into))
    (into / "mlops.toml").write_text("mine")

    kept = run(str(clone), "--into", str(into))
    assert (kept.returncode, (into / "mlops.toml").read_text()) == (0, "mine")
    other = run(str(clone), "--into", str(into), "--name", "other", "--force")
    assert "is an import of diabetes_regression as diabetes-regression" in other.stderr
    foreign = run(str(clone), "--into", str(tmp_path), "--force")
    assert "is not an empty folder" in foreign.stderr
    forced = run(str(clone), "--into", str(into), "--force")
    assert forced.returncode == 0, forced.stderr
    assert read_projects(into / "mlops.toml")
