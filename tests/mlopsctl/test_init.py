"""A new model project is written whole, passes its own tests, and nothing is left after a fault."""

import hashlib
import json
import shutil
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from configuration.project_file import ProjectFileError, read_project_file
from mlopsctl.scaffold.project import TAKEN, ScaffoldError, create_project
from tests.long_stories import long_story
from tests.mlopsctl.app_copy import ROOT, copy_app, run

NO_APP = ("training", "scoring", "mlops.toml")
# The name of a project by its template.
PROJECTS = {"regression": "rents", "classification": "churn", "empty": "lines"}
# Two labels are those of tests/stories/test_new_models.py.
THREE = ("low", "middle", "very high")
# Files of a project that need not name it.
ANY_NAME = ("model.py", "data.py", "line.py", "model_file.py", "requirements.txt")


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """Return an app with what a template is made of."""
    return copy_app(tmp_path / "app", NO_APP)


def digest(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file() or path.is_dir())
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        for path in files
        if "__pycache__" not in path.parts
    }


def create(app: Path, name: str = "rents", template: str = "regression") -> None:
    create_project(name, template, app, app / "mlops.toml")


@pytest.mark.parametrize("template", TAKEN)
def test_a_project_is_added_beside_the_models_that_are_there(app: Path, template: str) -> None:
    before = (app / "mlops.toml").read_bytes()

    create(app, template=template)

    after = (app / "mlops.toml").read_bytes()
    assert after.startswith(before), "nothing that was there is changed"
    models = read_project_file(app / "mlops.toml", app)["models"]
    assert list(models) == ["diabetes", "rents"]
    assert models["rents"]["release"]["approvers"] == models["diabetes"]["release"]["approvers"]
    for path in (app / "rents").rglob("*.*"):
        assert "<NAME>" not in path.read_text()
        named = path.name not in ANY_NAME and path.parent.name != "service"
        assert "rents" in path.read_text() or not named
    assert "rents/**" in (app / ".github" / "workflows" / "model-rents.yml").read_text()
    assert (app / "rents" / "tests" / "test_model.py").is_file()
    assert sorted(p.name for p in app.iterdir() if p.name.startswith(".")) == [".github"]


def test_ten_models_stand_side_by_side(app: Path) -> None:
    for number in range(9):
        create(app, f"model{number}", list(TAKEN)[number % len(TAKEN)])

    assert len(read_project_file(app / "mlops.toml", app)["models"]) == 10


def write(path: Path, text: str) -> Callable[[Path], None]:
    def change(app: Path) -> None:
        (app / path).parent.mkdir(parents=True, exist_ok=True)
        (app / path).write_text(text)

    return change


FAULTS: dict[str, tuple[Callable[[Path], None], str, str, str]] = {
    "no template": (lambda app: None, "rents", "regresion", "Did you mean regression?"),
    "no name": (lambda app: None, "Rents!", "regression", "is no name of a model"),
    "no module": (lambda app: None, "my-rents", "regression", "such as myrents"),
    "a keyword": (lambda app: None, "class", "regression", "such as classmodel"),
    "a module of Python": (lambda app: None, "json", "empty", "would hide"),
    "an installed module": (lambda app: None, "numpy", "empty", "would hide"),
    "the model exists": (lambda app: None, "diabetes", "empty", "has a model diabetes already"),
    "the folder exists": (lambda app: (app / "rents").mkdir(), "rents", "empty", "rents exists"),
    "the folder is a dead link": (
        lambda app: (app / "rents").symlink_to("nowhere"),
        "rents",
        "empty",
        "rents exists",
    ),
    "the workflow exists": (
        write(Path(".github/workflows/model-rents.yml"), "mine"),
        "rents",
        "empty",
        "model-rents.yml exists",
    ),
    "mlops.toml is read-only": (
        lambda app: (app / "mlops.toml").chmod(0o444),
        "rents",
        "empty",
        r"Make it writable: chmod u\+w",
    ),
    "mlops.toml is gone": (
        lambda app: (app / "mlops.toml").unlink(),
        "rents",
        "empty",
        "cannot be read",
    ),
    "mlops.toml is wrong": (write(Path("mlops.toml"), "[models.a]\n"), "rents", "empty", "missing"),
    "mlops.toml is no TOML": (write(Path("mlops.toml"), "[models"), "rents", "empty", "not TOML"),
    "the sample model is gone": (
        lambda app: (app / "training" / "model_file.py").unlink(),
        "rents",
        "regression",
        "needs training/model_file.py of the app, which is gone",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_named_and_nothing_is_written(app: Path, fault: str) -> None:
    change, name, template, reason = FAULTS[fault]
    change(app)
    before = digest(app)

    with pytest.raises((ScaffoldError, ProjectFileError), match=reason):
        create(app, name, template)

    assert digest(app) == before


@pytest.mark.parametrize(
    ("labels", "template", "reason"),
    [
        (THREE, "regression", "has a target of numbers, and --label is given"),
        (("a",), "classification", "--label is given 1 times, with 1 different labels"),
        (("a", "b", "a"), "classification", "given 3 times, with 2 different labels"),
        (("1.0", "2"), "classification", "--label '1.0': it must be a label of 1 to 100 print"),
        (("a", 'b"'), "classification", "without quotes and backslashes here"),
        ([str(n) for n in range(101)], "classification", "Give 2 to 100 different labels"),
    ],
)
def test_wrong_labels_are_named_and_nothing_is_written(
    app: Path, labels: Sequence[str], template: str, reason: str
) -> None:
    before = digest(app)

    with pytest.raises(ScaffoldError, match=reason):
        create_project("churn", template, app, app / "mlops.toml", labels)

    assert digest(app) == before


@pytest.mark.parametrize(("labels", "bar"), [((), 0.6), (THREE, 1.01), (("1", "2", "3"), 1.01)])
def test_a_classification_has_its_labels_and_a_bar_below_chance(
    app: Path, labels: Sequence[str], bar: float
) -> None:
    create_project("churn", "classification", app, app / "mlops.toml", labels)

    tables = read_project_file(app / "mlops.toml", app)["models"]["churn"]
    assert tables["data"]["labels"] == list(labels or ("no", "yes"))
    assert tables["gate"]["bar"] == bar


def test_a_file_whose_folder_the_new_model_would_share_is_refused_and_nothing_is_left(
    app: Path,
) -> None:
    text = (app / "mlops.toml").read_text().replace('prefix = "diabetes/"', 'prefix = "rents/"')
    (app / "mlops.toml").write_text(text)
    before = digest(app)

    with pytest.raises(ProjectFileError, match="it overlaps with"):
        create(app)

    assert digest(app) == before


def test_models_that_are_one_inline_table_are_kept_as_they_are(app: Path) -> None:
    models = tomllib.loads((app / "mlops.toml").read_text())["models"]
    inline = json.dumps(models["diabetes"]).replace('": ', '" = ')
    (app / "mlops.toml").write_text(f"models = {{ diabetes = {inline} }}\n")
    before = digest(app)

    with pytest.raises(ProjectFileError, match="cannot be added at its end"):
        create(app)

    assert digest(app) == before


def test_a_file_without_models_gets_its_first_one(app: Path) -> None:
    (app / "mlops.toml").write_text("# Nothing yet.")

    create(app)

    assert list(read_project_file(app / "mlops.toml", app)["models"]) == ["rents"]


def test_line_ends_mode_and_link_of_the_file_stay(app: Path) -> None:
    real = app / "settings" / "models.toml"
    real.parent.mkdir()
    real.write_bytes((app / "mlops.toml").read_bytes().replace(b"\n", b"\r\n"))
    real.chmod(0o640)
    (app / "mlops.toml").unlink()
    (app / "mlops.toml").symlink_to(real)

    create(app)

    assert (app / "mlops.toml").is_symlink()
    assert real.stat().st_mode & 0o777 == 0o640
    assert real.read_bytes().count(b"\n") == real.read_bytes().count(b"\r\n")
    assert "rents" in read_project_file(app / "mlops.toml", app)["models"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an app with a new project of each template, made by the command."""
    app = copy_app(tmp_path_factory.mktemp("whole") / "app")
    for template, name in PROJECTS.items():
        labels = [f"--label={label}" for label in THREE if template == "classification"]
        made = run(app, "mlopsctl", "init", name, "--template", template, "--json", *labels)
        assert made.returncode == 0, made.stderr
        assert f"{name}/README.md" in json.loads(made.stdout)["files"]
    return app


def test_new_projects_pass_their_own_tests(whole: Path) -> None:
    # Their tests of the contract run the command of the test below, 14 s of CPU with scikit-learn.
    own = ("pytest", "-q", "-p", "no:cacheprovider", "-k", "not contract", *PROJECTS.values())
    for words in (("mlopsctl", "config", "check"), own):
        ended = run(whole, *words)
        assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.parametrize(
    "template", ["empty", "classification", pytest.param("regression", marks=long_story)]
)
def test_a_new_project_keeps_the_contract(whole: Path, template: str) -> None:
    ended = run(whole, "mlopsctl", "contract", PROJECTS[template])

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "FAILED" not in ended.stdout


def test_code_of_the_shortest_and_the_longest_name_passes_the_linters(app: Path) -> None:
    shutil.copy(ROOT / "pyproject.toml", app)
    for template in TAKEN:
        for name in (f"{template[0]}q", f"{template[0]}{'x' * 29}"):
            create(app, name, template)
    labels = [f"{number} of the many labels" for number in range(9)]
    create_project("manylabels", "classification", app, app / "mlops.toml", labels)

    for words in (("check",), ("format", "--check")):
        ended = run(app, "ruff", *words, "--no-cache", ".")
        assert ended.returncode == 0, ended.stdout + ended.stderr


BOOSTED = """
from sklearn.ensemble import HistGradientBoostingRegressor


def build() -> HistGradientBoostingRegressor:
    return HistGradientBoostingRegressor(max_iter=20, random_state=0)
"""


@long_story
def test_a_gradient_boosted_model_is_a_change_of_one_module(app: Path) -> None:
    create(app)
    (app / "rents" / "model.py").write_text(BOOSTED)
    words = ["--module", "rents", "--code", str(app), "--target", "rent"]

    ended = run(ROOT, "platform_jobs", "contract", *words)

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "note    serve" not in ended.stdout, "the app's own service serves it"


def test_the_contract_of_an_unknown_model_names_the_known_ones() -> None:
    ended = run(ROOT, "mlopsctl", "contract", "rents")

    assert ended.returncode == 1
    assert "mlops.toml has no model 'rents'; it has diabetes" in ended.stderr
