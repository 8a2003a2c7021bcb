"""Writes a model project for this app around the code of a clone."""

import ast
import csv
import json
import math
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from configuration.values import MODEL_NAME, MODEL_NAME_ALLOWED
from migration.clone import TRAIN, Clone, SeedError
from migration.manifest import TEMPLATES, describe_model
from migration.script import PLACE, Script

REFERENCE = "reference.csv"
MARK = "import.json"
# Files of this app that the project needs to train by the contract; the service is copied whole.
_TRAINING = (
    *("__init__.py", "__main__.py", "data.py", "sample.py"),
    *("answers.py", "model_file.py", "requirements.txt"),
)
# Code of Azure ML's first SDK, which train.py of the seed no longer needs.
_FIRST_SDK = "azureml"
_RUFF = 'line-length = 100\n\n[lint]\nselect = ["E4", "E7", "E9", "F"]\n'


def model_name(clone: Clone, wanted: str = "") -> str:
    """Return the model's name: the requested name, or the name of the folder."""
    name = wanted or re.sub(r"[^a-z0-9]+", "-", clone.folder.lower()).strip("-")[:30]
    if not MODEL_NAME.fullmatch(name):
        raise SeedError(
            f"{name!r} is not a name of a model: it must have {MODEL_NAME_ALLOWED}. Give --name."
        )
    return name


def write_project(
    clone: Clone, script: Script, into: Path, name: str, data: Path | None, app: Path
) -> list[str]:
    """Write the project; return the files that are copied to their places.

    `data` is a CSV whose columns are the model's; `app` is the folder of this app. The folder is
    new or empty, or an import that is written again.
    """
    if into.resolve().is_relative_to(clone.root.resolve()):
        raise SeedError(f"{into} lies in the clone, to which nothing is written. Name another one.")
    training = [f for f in _sources(clone) if f != script.file]
    if data is None and not any("load_diabetes" in clone.text(f) for f in training):
        raise SeedError(
            "The clone has no data of its own. Give a CSV of the training data: --data."
        )
    copied = copied_files(clone, script)
    places = {**{file: file for file in copied}, **script.places}
    again = into.exists() and any(into.iterdir())
    try:
        into.mkdir(parents=True, exist_ok=True)
        # The mark is written first, so that an import that is killed half way is written again.
        mark(into, name, clone.folder, whole=False)
        _fill(clone, into, name, data, app, places)
        if script.places:
            (into / PLACE / "model_name.txt").write_text(f"{script.model_name}\n", "utf-8")
    except BaseException:
        # The folder was empty or absent; half a project would block the next try.
        if not again:
            shutil.rmtree(into, ignore_errors=True)
        raise
    mark(into, name, clone.folder, whole=True)
    return copied


def copied_files(clone: Clone, script: Script) -> list[str]:
    """Return the files of the clone that are copied to the same places."""
    return [*_kept(clone, script), *_others(clone)]


def must_write(into: Path, name: str, folder: str, *, force: bool) -> bool:
    """Return whether the project is to be written; False when a whole import of it is there.

    SeedError when the folder holds anything else than an import of this model.
    """
    if not into.exists() or (into.is_dir() and not any(into.iterdir())):
        return True
    try:
        known = json.loads((into / MARK).read_text(encoding="utf-8"))
        same = (known["model"], known["folder"]) == (name, folder)
        whole = known["whole"] is True
    except (OSError, ValueError, KeyError, TypeError):
        text = f"{into} is not an empty folder, and no import of a clone. Name a new one."
        raise SeedError(text) from None
    if not same:
        text = f"{into} is an import of {known['folder']} as {known['model']}. Name a new folder."
        raise SeedError(text)
    return force or not whole


def mark(into: Path, name: str, folder: str, *, whole: bool) -> None:
    """Record the import in the folder, and whether it was written to its end."""
    content = {"model": name, "folder": folder, "whole": whole}
    (into / MARK).write_text(json.dumps(content) + "\n", encoding="utf-8")


def _fill(
    clone: Clone, into: Path, name: str, data: Path | None, app: Path, places: dict[str, str]
) -> None:
    service = (path.name for path in (app / "scoring").iterdir() if path.is_file())
    for folder, names in (("training", _TRAINING), ("scoring", sorted(service))):
        (into / folder).mkdir(parents=True, exist_ok=True)
        for own in names:
            shutil.copyfile(app / folder / own, into / folder / own)
    if data is not None:
        _give_sample(into / "training" / "sample.py")
    for file, place in places.items():
        target = into / place
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(clone.root / file, target)
    for template, place in (
        ("train.py.txt", "training/train.py"),
        ("test.py.txt", "tests/test_training.py"),
    ):
        text = (TEMPLATES / template).read_text(encoding="utf-8")
        (into / place).parent.mkdir(exist_ok=True)
        (into / place).write_text(text.replace("FOLDER", clone.folder), encoding="utf-8")
    (into / "conftest.py").write_text(
        '"""Lets tests import from this folder."""\n', encoding="utf-8"
    )
    (into / "ruff.toml").write_text(_RUFF, encoding="utf-8")
    (into / ".gitignore").write_text("__pycache__/\n.pytest_cache/\n", encoding="utf-8")
    if data is None:
        _run(into, "-m", "training", "sample", "--out", REFERENCE)
    else:
        shutil.copyfile(data, into / REFERENCE)
    columns, variance = _figures(into / REFERENCE)
    (into / "mlops.toml").write_text(
        describe_model(clone, name, columns, variance), encoding="utf-8"
    )


def _give_sample(module: Path) -> None:
    """Let the project's sample be its reference.csv instead of the diabetes data."""
    own = (
        '"""Sample data: the reference data of this project."""\n\n'
        "from pathlib import Path\n\n\n"
        "def write_sample(path: Path, seed: int | None = None) -> None:\n"
        '    """Write the reference data; no other rows are drawn, whatever the seed."""\n'
        "    path.parent.mkdir(parents=True, exist_ok=True)\n"
        f'    path.write_bytes((Path(__file__).parents[1] / "{REFERENCE}").read_bytes())\n'
    )
    module.write_text(own, encoding="utf-8")


def compare_figures(clone: Clone, into: Path) -> dict[str, tuple[float, float]]:
    """Train by the clone's own functions and by the project; return each metric of both models.

    Both learn from the rows that the clone's own split_data gives, and the clone's
    get_model_metrics judges both on its rows.
    """
    parameters = dict(clone.section("training"))
    with tempfile.TemporaryDirectory() as folder:
        script = (
            "import json, pathlib, pandas\n"
            f"import {clone.folder}.training.train as seed\n"
            f"frame, out = pandas.read_csv({REFERENCE!r}), pathlib.Path({folder!r})\n"
            "data = seed.split_data(frame)\n"
            "names = [name for name in frame.columns if name != 'Y']\n"
            "rows = pandas.DataFrame(data['train']['X'], columns=names)\n"
            "rows['Y'] = list(data['train']['y'])\n"
            "rows.to_csv(out / 'rows.csv', index=False)\n"
            "schema = {'columns': [*names, 'Y'], 'features': names, 'target': 'Y'}\n"
            "(out / 'schema.json').write_text(json.dumps({**schema, 'rows': len(rows)}))\n"
        )
        _run(into, "-c", script)
        model = str(Path(folder) / "model")
        _run(into, "-m", "training", "train", "--data", folder, "--out", model)
        script = (
            "import json, pathlib, pandas\n"
            f"import {clone.folder}.training.train as seed\n"
            "from training import model_file\n"
            f"data = seed.split_data(pandas.read_csv({REFERENCE!r}))\n"
            f"theirs = seed.train_model(data, {parameters!r})\n"
            f"ours = model_file.load(pathlib.Path({model!r}))\n"
            "both = [dict(seed.get_model_metrics(model, data)) for model in (theirs, ours)]\n"
            "print(json.dumps(both, default=float))\n"
        )
        answer = (_run(into, "-c", script).splitlines() or [""])[-1]
    try:
        theirs, ours = json.loads(answer)
        figures = {name: (float(theirs[name]), float(ours[name])) for name in theirs}
    except (ValueError, TypeError, KeyError) as error:
        raise SeedError(f"get_model_metrics must give numbers by name: {error}") from error
    if not figures:
        raise SeedError("get_model_metrics gives nothing to compare.")
    return figures


def _sources(clone: Clone) -> list[str]:
    return sorted(f for f in clone.files if f.endswith(".py"))


def _kept(clone: Clone, script: Script) -> list[str]:
    """Return the model's Python files that keep their paths: files without Azure ML's first SDK.

    A scoring script that cannot be used stays too; one that can gets a place in the service.
    """
    sources = _sources(clone)
    own = [f for f in sources if f.startswith(f"{clone.folder}/") and f not in script.places]
    unused = [f for f in own if f == script.file]
    unchanged = [f for f in own if f not in unused and _FIRST_SDK not in _imports(clone, f)]
    return [*unchanged, *unused, *_neighbours(clone, sources)]


def _neighbours(clone: Clone, sources: list[str]) -> list[str]:
    """Return the files of the clone's other packages that train.py imports."""
    train = f"{clone.folder}/{TRAIN.as_posix()}"
    packages = _imports(clone, train) - {clone.folder, "training"}
    taken = [f for f in sources if f.partition("/")[0].removesuffix(".py") in packages]
    for file in taken:
        if _FIRST_SDK in _imports(clone, file):
            raise SeedError(
                f"{train} imports {file}, which needs {_FIRST_SDK}. Take that import out first."
            )
    return taken


def _others(clone: Clone) -> list[str]:
    name = f"{clone.folder}/parameters.json"
    return [name] if clone.has(name) else []


def _imports(clone: Clone, file: str) -> set[str]:
    try:
        tree = ast.parse(clone.text(file))
    except SyntaxError as error:
        raise SeedError(f"{file}, line {error.lineno}: {error.msg}. Correct it first.") from error
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.partition(".")[0])
    return names


def _run(folder: Path, *words: str) -> str:
    ended = subprocess.run(
        [sys.executable, *words], cwd=folder, capture_output=True, text=True, check=False
    )
    if ended.returncode:
        last = (ended.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise SeedError(f"In {folder}, {words[0]} {words[1][:40]!r} failed: {last}")
    return ended.stdout


def _figures(path: Path) -> tuple[list[str], float]:
    """Return the columns of a CSV, and the variance of its target Y."""
    try:
        with path.open(encoding="utf-8", newline="") as lines:
            rows = list(csv.DictReader(lines))
        targets = [float(row["Y"]) for row in rows]
        variance = statistics.pvariance(targets)
        if not math.isfinite(variance):
            raise ValueError(path)
    except (OSError, UnicodeDecodeError, KeyError, TypeError, ValueError) as error:
        raise SeedError(
            f"{path.name} is not a CSV with a header, rows and numbers in a column Y."
        ) from error
    return list(rows[0]), variance
