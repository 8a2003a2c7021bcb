"""Writes a model project into the app: its folder, its workflow and its tables of mlops.toml.

All of it is written, or nothing: a fault removes the files that were made before it.
"""

import fcntl
import importlib.util
import keyword
import math
import os
import re
import shutil
import stat
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from configuration.checking import find_problems
from configuration.nearest import find_nearest
from configuration.project_file import ProjectFileError, read_project_file
from configuration.rules import MOST_LABELS
from configuration.values import LABEL, MODEL_NAME, MODEL_NAME_ALLOWED

TEMPLATES = Path(__file__).with_name("templates")
SHARED, TABLES, WORKFLOW = "shared", "mlops.toml.txt", "workflow.yml.txt"
# Files of the sample model that a template of scikit-learn takes over, so that each exists once.
SKLEARN = ("__init__.py", "model_file.py", "requirements.txt")
TAKEN = {"regression": SKLEARN, "classification": SKLEARN, "empty": ()}
APPROVERS = ("ada", "grace")
CLASSIFICATION, LABELS = "classification", ("no", "yes")
_PLACEHOLDER = re.compile(r"<(NAME|APPROVERS|LABELS|TUPLE|CHANCE|BAR)>")
# By how much the log loss of a first model must be better than that of the shares of the labels.
_BETTER = 0.09
_LINE = 100  # characters of a line of Python


class ScaffoldError(ValueError):
    """The project cannot be made; the text has the cause and the remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Created:
    """The files of a new project, below the app's folder, and its approvers of mlops.toml."""

    folder: str
    files: tuple[str, ...]
    workflow: str
    approvers: tuple[str, ...]


def create_project(
    name: str, template: str, app: Path, project_file: Path, labels: Sequence[str] = ()
) -> Created:
    """Write the project; ScaffoldError or ProjectFileError when something is in its way.

    `app` is the folder of this app, into which the project's folder goes. `labels` are those of a
    classification, () for LABELS.
    """
    _check_template(template)
    _check_name(name)
    labels = _check_labels(template, labels)
    project_file = project_file.resolve()
    with _locked(project_file.parent):
        given = _read(project_file, app)
        approvers = _check_free(name, given, app)
        chance = math.log(len(labels))
        values = {
            "NAME": name,
            "APPROVERS": _listed(approvers),
            "LABELS": ", ".join(_quoted(labels)),
            "TUPLE": _tuple_of(labels),
            "CHANCE": f"{chance:.2f}",
            "BAR": f"{chance - _BETTER:.2f}",
        }
        workflow = app / ".github" / "workflows" / f"model-{name}.yml"
        if workflow.exists():
            raise ScaffoldError(f"{workflow} exists. Delete it, or choose another name.")
        with _undone() as made:
            folder = _write_folder(name, template, app, values, made)
            _make_parents(workflow.parent, made)
            made.append(workflow)
            workflow.write_text(_filled(TEMPLATES / SHARED / WORKFLOW, values), encoding="utf-8")
            tables = _filled(TEMPLATES / template / TABLES, values)
            _append(project_file, given, tables, app)
    files = sorted(path.relative_to(app).as_posix() for path in folder.rglob("*") if path.is_file())
    return Created(
        folder=name,
        files=tuple(files),
        workflow=workflow.relative_to(app).as_posix(),
        approvers=approvers,
    )


def _check_template(template: str) -> None:
    if template not in TAKEN:
        nearest = find_nearest(template, TAKEN)
        hint = f" Did you mean {nearest}?" if nearest else ""
        known = ", ".join(TAKEN)
        raise ScaffoldError(f"There is no template {template!r}. Choose one of {known}.{hint}")


def _check_labels(template: str, labels: Sequence[str]) -> tuple[str, ...]:
    """Return the labels of a classification; ScaffoldError when they are none."""
    if labels and template != CLASSIFICATION:
        raise ScaffoldError(
            f"The template {template} has a target of numbers, and --label is given. Leave it out, "
            f"or use --template {CLASSIFICATION}."
        )
    if not labels:
        return LABELS
    for label in labels:
        if not (LABEL.accepts and LABEL.accepts(label)) or '"' in label or "\\" in label:
            raise ScaffoldError(
                f"--label {label!r}: it must be {LABEL.allowed}, and without quotes and "
                "backslashes here."
            )
    if len(labels) < 2 or len(set(labels)) < len(labels) or len(labels) > MOST_LABELS:
        raise ScaffoldError(
            f"--label is given {len(labels)} times, with {len(set(labels))} different labels. "
            f"Give 2 to {MOST_LABELS} different labels."
        )
    return tuple(labels)


def _check_name(name: str) -> None:
    if not MODEL_NAME.fullmatch(name):
        raise ScaffoldError(
            f"{name!r} is no name of a model: it must have {MODEL_NAME_ALLOWED}. Choose another."
        )
    if not name.isidentifier() or keyword.iskeyword(name):
        plain = name.replace("-", "")
        raise ScaffoldError(
            f"{name!r} cannot be the name of a Python module, which a project is. Choose another, "
            f"such as {plain if plain != name else f'{name}model'}."
        )


def _check_free(name: str, given: Mapping[str, object], app: Path) -> tuple[str, ...]:
    """Return the approvers for the new model; ScaffoldError when its name or folder is taken."""
    models = given.get("models")
    tables = models if isinstance(models, Mapping) else {}
    if name in tables:
        raise ScaffoldError(f"mlops.toml has a model {name} already. Choose another name.")
    folder = app / name
    if folder.exists() or folder.is_symlink():
        raise ScaffoldError(
            f"{folder} exists. Choose another name, or move it away: nothing is overwritten."
        )
    # The new folder would be imported in the place of a module that the app needs.
    if name in sys.stdlib_module_names or importlib.util.find_spec(name) is not None:
        raise ScaffoldError(
            f"{name!r} is the name of an installed Python module, which the new folder would hide. "
            f"Choose another name, such as {name}model."
        )
    for model in tables.values():
        release = model.get("release") if isinstance(model, Mapping) else None
        if isinstance(release, Mapping) and release.get("approvers"):
            return tuple(str(person) for person in release["approvers"])
    return APPROVERS


def _read(project_file: Path, app: Path) -> Mapping[str, object]:
    """Return the checked content of mlops.toml; a file without a model is right here."""
    try:
        content = tomllib.loads(project_file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        content = None
    if content is None or content.get("models"):
        content = dict(read_project_file(project_file, app))
    if not (os.access(project_file, os.W_OK) and project_file.stat().st_mode & stat.S_IWUSR):
        raise ScaffoldError(
            f"{project_file} is read-only, so that the model cannot be added. Make it writable: "
            f"chmod u+w {project_file}"
        )
    return content


def _write_folder(
    name: str, template: str, app: Path, values: Mapping[str, str], made: list[Path]
) -> Path:
    """Write the project's folder under another name, and give it its name at the end."""
    unfinished = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=app))
    made.append(unfinished)
    unfinished.chmod(0o755)
    for source in (TEMPLATES / SHARED, TEMPLATES / template):
        for path in sorted(source.rglob("*.txt")):
            if path.name not in (TABLES, WORKFLOW):
                target = unfinished / path.relative_to(source).with_suffix("")
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(_filled(path, values), encoding="utf-8")
    for file in TAKEN[template]:
        try:
            text = (app / "training" / file).read_text(encoding="utf-8")
        except FileNotFoundError as error:
            reason = f"This template needs training/{file} of the app, which is gone. Restore it"
            raise ScaffoldError(f"{reason}, or use --template empty.") from error
        if file == "__init__.py":
            # The first line describes the sample model.
            text = f'"""The model {name}."""\n' + text.partition("\n")[2]
        (unfinished / file).write_text(text, encoding="utf-8")
    folder = app / name
    unfinished.rename(folder)
    made.append(folder)
    return folder


def _append(project_file: Path, given: Mapping[str, object], tables: str, app: Path) -> None:
    """Add the tables to mlops.toml atomically; ProjectFileError when it would be wrong then."""
    before = project_file.read_bytes()
    newline = b"\r\n" if b"\r\n" in before else b"\n"
    gap = b"" if not before.strip() else newline if before.endswith(b"\n") else newline * 2
    content = before + gap + tables.encode().replace(b"\n", newline)
    try:
        parsed = tomllib.loads(content.decode("utf-8-sig"))
    except tomllib.TOMLDecodeError as error:
        text = "the table of a new model cannot be added at its end"
        remedy = "Write each model as tables of its own, [models.<name>]"
        raise ProjectFileError(project_file, [f"{text} ({error}). {remedy}."]) from error
    if problems := find_problems(parsed, app):
        raise ProjectFileError(project_file, problems)
    handle, name = tempfile.mkstemp(prefix=f".{project_file.name}-", dir=project_file.parent)
    unfinished = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        shutil.copymode(project_file, unfinished)
        unfinished.replace(project_file)
    finally:
        unfinished.unlink(missing_ok=True)


def _make_parents(folder: Path, made: list[Path]) -> None:
    for parent in reversed((folder, *folder.parents)):
        if not parent.exists():
            made.append(parent)
            parent.mkdir()


@contextmanager
def _undone() -> Iterator[list[Path]]:
    """Yield the list of made files and folders, which are removed when the block fails."""
    made: list[Path] = []
    try:
        yield made
    except BaseException:
        for path in reversed(made):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
        raise


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold a lock of a folder, so that of two commands the second sees the first one's model."""
    if not folder.is_dir():
        raise ScaffoldError(f"{folder} does not exist. Set MLOPS_PROJECTS to an existing file.")
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _filled(path: Path, values: Mapping[str, str]) -> str:
    text = path.read_text(encoding="utf-8")
    return _PLACEHOLDER.sub(lambda placeholder: values[placeholder[1]], text)


def _quoted(labels: tuple[str, ...]) -> tuple[str, ...]:
    """Return labels as Python and TOML write them; they have no quote or backslash."""
    return tuple(f'"{label}"' for label in labels)


def _tuple_of(labels: tuple[str, ...]) -> str:
    """Return labels as a tuple in the form of `ruff format`."""
    line = f"({', '.join(_quoted(labels))})"
    if len("LABELS = ") + len(line) <= _LINE:
        return line
    return "\n".join(["(", *(f"    {label}," for label in _quoted(labels)), ")"])


def _listed(people: tuple[str, ...]) -> str:
    """Return names as TOML writes a list; a name of mlops.toml has no quote or backslash."""
    return "[" + ", ".join(f'"{person}"' for person in people) + "]"
