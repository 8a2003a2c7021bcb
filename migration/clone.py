"""Reads a clone of MLOpsPython, or a project made from one, without running or changing it.

Layout: the repository of 2020 to 2023, in which a folder of the model has `training/train.py` with
plain functions, `parameters.json`, `scoring/` and `evaluate/`, beside `.pipelines/`.
"""

import ast
import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Section = Mapping[str, Any]  # of a YAML or JSON file
TRAIN = Path("training/train.py")
NEEDED = {"split_data": 1, "train_model": 2, "get_model_metrics": 2}
_ENV_LINE = re.compile(r"^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*$")


class SeedError(Exception):
    """The clone cannot be imported; the text has the cause and the remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """A setting of the clone, and the file and line that set it."""

    value: str
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Clone:
    """The content of a clone; paths are relative to its root."""

    root: Path
    folder: str
    files: frozenset[str]
    parameters: Section
    variables: Mapping[str, Variable]
    secrets: tuple[str, ...]
    schedules: tuple[Variable, ...]
    serving: Section
    staging: Section

    def has(self, name: str) -> bool:
        """Return whether a file of this path is there."""
        return name in self.files

    def section(self, name: str) -> Section:
        """Return a section of the parameters, {} when there is none."""
        return _object(self.parameters, name, f"{self.folder}/parameters.json")

    def replicas(self) -> int:
        """Return how many replicas production had, at least one; raise SeedError for no number."""
        scaler = _object(self.serving, "autoScaler", self.serving_file)
        fewest = scaler.get("minReplicas") or self.serving.get("numReplicas") or 1
        return max(1, int(_number(fewest, f"{self.serving_file}: replicas")))

    def slowest_ms(self) -> float:
        """Return the timeout of an answer in milliseconds; raise SeedError for no number."""
        timeout = self.serving.get("scoringTimeoutMs") or 500
        return _number(timeout, f"{self.serving_file}: scoringTimeoutMs")

    def limits(self, content: Section, name: str) -> Section:
        """Return the limits and the scaling that a file of scoring/ sets."""
        file = f"{self.folder}/scoring/{name}"
        keys = ("containerResourceRequirements", "autoScaler")
        return {
            key: value for section in keys for key, value in _object(content, section, file).items()
        }

    @property
    def serving_file(self) -> str:
        """Return the file that describes production."""
        return f"{self.folder}/scoring/deployment_config_aks.yml"

    def text(self, name: str) -> str:
        """Return the text of a file, or nothing when there is none."""
        return _read(self.root, name) if self.has(name) else ""


def read_clone(root: Path, folder: str = "") -> Clone:
    """Return the content of the clone, or raise SeedError."""
    if not root.is_dir():
        raise SeedError(f"{root} is not a folder. Give the folder of a clone of MLOpsPython.")
    files = frozenset(_files(root))
    folder = _model_folder(root, files, folder)
    _check_functions(root, f"{folder}/{TRAIN.as_posix()}")
    pipelines = sorted(f for f in files if re.fullmatch(r"\.pipelines/.*\.ya?ml", f))
    variables: dict[str, Variable] = {}
    for name in [*pipelines, ".env.example"]:
        if name in files:
            variables |= dict(_variables(root, name))
    clone = Clone(
        root=root,
        folder=folder,
        files=files,
        parameters=_parameters(root, files, f"{folder}/parameters.json"),
        variables=variables,
        secrets=tuple(_names(_read(root, ".env"))) if ".env" in files else (),
        schedules=tuple(s for name in pipelines for s in _schedules(root, name)),
        serving=_mapping(root, files, f"{folder}/scoring/deployment_config_aks.yml"),
        staging=_mapping(root, files, f"{folder}/scoring/deployment_config_aci.yml"),
    )
    # Read every value once, so that a wrong one is an error before anything is written.
    clone.replicas(), clone.slowest_ms(), clone.section("training"), clone.section("registration")
    clone.limits(clone.serving, "deployment_config_aks.yml")
    clone.limits(clone.staging, "deployment_config_aci.yml")
    return clone


def _files(root: Path) -> Iterator[str]:
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.is_file() and not path.is_symlink() and not name.startswith(".git/"):
            yield name


def _model_folder(root: Path, files: frozenset[str], wanted: str) -> str:
    folders = sorted(
        {f.removesuffix("/training/train.py") for f in files if f.endswith(str(TRAIN))}
    )
    folders = [name for name in folders if "/" not in name and name != str(TRAIN)]
    if wanted:
        if wanted not in folders:
            known = ", ".join(folders) or "none"
            raise SeedError(f"{root} has no {wanted}/{TRAIN}; folders with one: {known}.")
        folders = [wanted]
    if len(folders) > 1:
        raise SeedError(
            f"{root} has {len(folders)} models: {', '.join(folders)}. Name one: --folder."
        )
    if folders and not folders[0].isidentifier():
        raise SeedError(
            f"{folders[0]} is not a name of a Python package. "
            "Rename the folder: letters, digits and _."
        )
    if not folders:
        shown = ", ".join(sorted({f.partition("/")[0] for f in files})[:12]) or "nothing"
        raise SeedError(
            f"{root} is not a clone of MLOpsPython: no <folder>/{TRAIN} was found, but {shown}."
        )
    return folders[0]


def _check_functions(root: Path, name: str) -> None:
    try:
        tree = ast.parse(_read(root, name))
    except SyntaxError as error:
        raise SeedError(f"{name}, line {error.lineno}: {error.msg}. Correct it first.") from error
    functions = {n.name: len(n.args.args) for n in tree.body if isinstance(n, ast.FunctionDef)}
    if name.partition("/")[0] == "code" or not functions.keys() & NEEDED.keys():
        raise SeedError(
            f"{name} has none of the functions {', '.join(NEEDED)}: it is of 2019, when the script "
            "did everything at once. Move its steps into these functions, as the seed did in 2020."
        )
    for function, count in NEEDED.items():
        if functions.get(function) != count:
            got = (
                f"{functions[function]} arguments" if function in functions else "no such function"
            )
            raise SeedError(
                f"{name}: {function} must take {count} arguments; there is {got}. "
                "Runs of Azure ML's first SDK are not passed to it any more."
            )


def _parameters(root: Path, files: frozenset[str], name: str) -> Section:
    if name not in files:
        return {}
    try:
        content = json.loads(_read(root, name))
    except json.JSONDecodeError as error:
        raise SeedError(
            f"{name}, line {error.lineno}: {error.msg}. Correct the JSON first."
        ) from error
    if not isinstance(content, dict):
        raise SeedError(f"{name} must be an object with the sections training, evaluation, ...")
    return content


def _yaml(root: Path, name: str) -> Any:
    import yaml

    try:
        return yaml.safe_load(_read(root, name))
    # A date such as 2020-13-45 is a ValueError.
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise SeedError(f"{name}{where}: this is not YAML. Correct it first.") from error


def _mapping(root: Path, files: frozenset[str], name: str) -> Section:
    content = _yaml(root, name) if name in files else None
    return content if isinstance(content, dict) else {}


def _variables(root: Path, name: str) -> Iterator[tuple[str, Variable]]:
    """Yield the variables of a YAML file or of an example of .env."""
    if name == ".env.example":
        for number, line in enumerate(_read(root, name).splitlines(), start=1):
            if (match := _ENV_LINE.match(line)) and match[2]:
                value = match[2].strip("'\"")
                yield match[1], Variable(value=value, place=f"{name}:{number}")
        return
    content = _yaml(root, name)
    listed = content.get("variables") if isinstance(content, dict) else None
    if isinstance(listed, dict):
        pairs = list(listed.items())
    else:
        entries = [entry for entry in listed or [] if isinstance(entry, dict)]
        pairs = [(e["name"], e.get("value", "")) for e in entries if "name" in e]
    for key, value in pairs:
        place = f"{name}:{_line_of(_read(root, name), str(key))}"
        yield str(key), Variable(value=str(value), place=place)


def _schedules(root: Path, name: str) -> Iterator[Variable]:
    content = _yaml(root, name)
    listed = content.get("schedules") if isinstance(content, dict) else None
    for entry in listed if isinstance(listed, list) else []:
        if isinstance(entry, dict) and entry.get("cron"):
            place = f"{name}:{_line_of(_read(root, name), 'cron')}"
            yield Variable(value=str(entry["cron"]), place=place)


def _names(text: str) -> Iterator[str]:
    """Yield the names that a .env file sets, without their values, which are secrets."""
    for line in text.splitlines():
        if match := _ENV_LINE.match(line):
            yield match[1]


def _object(content: Section, name: str, file: str) -> Section:
    """Return an object in an object, {} when it is missing or null; raise SeedError otherwise."""
    value = content.get(name) or {}
    if not isinstance(value, dict):
        raise SeedError(f"{file}: {name} must be an object, not {value!r}. Correct it first.")
    return value


def _number(value: Any, what: str) -> float:
    """Return a finite number, or raise SeedError."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise SeedError(f"{what} must be a number, not {value!r}. Correct it first.")
    return number


def _line_of(text: str, word: str) -> int:
    pattern = re.compile(rf"^\s*-?\s*(?:name:\s*)?[\"']?{re.escape(word)}\b")
    lines = text.splitlines()
    return next((n for n, line in enumerate(lines, start=1) if pattern.match(line)), 1)


def _read(root: Path, name: str) -> str:
    try:
        return (root / name).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SeedError(f"{name} cannot be read as text: {type(error).__name__}.") from error
