"""Checks whether the clone's scoring script can answer here, and which packages it needs."""

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

import yaml

from migration.clone import Clone, SeedError

HEADERS = "request_headers"
DEFAULT_NAME = "model.pkl"
PLACE = "scoring/seed"
_TYPES = "inference_schema.parameter_types"
# The packages that scoring/stand_ins.py replaces; a test keeps the two in agreement.
STAND_INS = {
    "azureml": (),
    "azureml.core": ("Model",),
    "azureml.core.model": ("Model",),
    "azureml.contrib": (),
    "azureml.contrib.services": (),
    "azureml.contrib.services.aml_response": ("AMLResponse",),
    "azureml.monitoring": ("ModelDataCollector",),
    "inference_schema": (),
    "inference_schema.schema_decorators": ("input_schema", "output_schema"),
    _TYPES: (),
    f"{_TYPES}.numpy_parameter_type": ("NumpyParameterType",),
    f"{_TYPES}.pandas_parameter_type": ("PandasParameterType",),
    f"{_TYPES}.standard_py_parameter_type": ("StandardPythonParameterType",),
    "sklearn.externals.joblib": (),
}
_STOOD_IN = ("azureml", "inference_schema")
# The packages of scoring/requirements.in, with their dependencies.
_INSTALLED = {
    *("aiohttp", "joblib", "numpy", "opentelemetry", "pandas", "scipy", "sklearn", "skops"),
}
_MODEL_FILE = re.compile(r"[\w.-]+\.(?:pkl|pickle|joblib|sav)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """A scoring script of the clone; one with a problem is replaced by the app's own service."""

    file: str
    problem: str = ""
    siblings: tuple[str, ...] = ()
    model_name: str = DEFAULT_NAME
    packages: tuple[str, ...] = ()
    has_samples: bool = False

    @property
    def places(self) -> dict[str, str]:
        """Return the path in the project for each file of a usable script."""
        folder = PurePosixPath(self.file).parent
        beside = {f: f"{PLACE}/{PurePosixPath(f).relative_to(folder)}" for f in self.siblings}
        return {} if self.problem else {self.file: f"{PLACE}/score.py", **beside}


class _UnfitError(Exception):
    """The script cannot be used; the text says why."""


def read_script(clone: Clone) -> Script:
    """Return the clone's scoring script, without running it."""
    file = _entry(clone)
    try:
        if not clone.has(file):
            raise _UnfitError("it is missing")
        tree = _parse(clone, file)
        _check_run(tree)
        siblings = tuple(_siblings(clone, file))
        trees = [tree, *(_parse(clone, name) for name in siblings)]
        return Script(
            file=file,
            siblings=siblings,
            model_name=_model_name(clone, tree),
            packages=tuple(_packages(clone, file, siblings, trees)),
            has_samples=any(m == f"{_TYPES}.numpy_parameter_type" for m, _ in _imports(tree)),
        )
    except _UnfitError as reason:
        return Script(file=file, problem=str(reason))


def _entry(clone: Clone) -> str:
    folder = f"{clone.folder}/scoring"
    try:
        config = yaml.safe_load(clone.text(f"{folder}/inference_config.yml"))
    except (yaml.YAMLError, SeedError):
        config = None
    named = config.get("entryScript") if isinstance(config, dict) else None
    return (PurePosixPath(folder) / str(named or "score.py")).as_posix()


def _parse(clone: Clone, file: str) -> ast.Module:
    try:
        # Bytes, not text: a script may declare an encoding of its own.
        return ast.parse((clone.root / file).read_bytes())
    except SyntaxError as error:
        raise _UnfitError(f"{file}, line {error.lineno}: {error.msg}") from error
    except ValueError as error:
        raise _UnfitError(f"{file} is not Python: {error}") from error


def _check_run(tree: ast.Module) -> None:
    functions = {n.name: n for n in tree.body if isinstance(n, ast.FunctionDef)}
    if "run" not in functions:
        raise _UnfitError("it has no function run(), which must not be `async`")
    if "init" in functions and _required(functions["init"]):
        raise _UnfitError("init() takes arguments; it must take none")
    taken = [name for name in _required(functions["run"]) if name != HEADERS]
    if len(taken) != 1:
        raise _UnfitError(
            f"run() takes {', '.join(taken) or 'nothing'}; it must take the rows alone, "
            f"and {HEADERS} if it likes"
        )


def _required(function: ast.FunctionDef) -> list[str]:
    given = function.args
    names = [a.arg for a in (*given.posonlyargs, *given.args)]
    lone = [
        a.arg for a, value in zip(given.kwonlyargs, given.kw_defaults, strict=True) if not value
    ]
    return names[: len(names) - len(given.defaults)] + lone


def _siblings(clone: Clone, file: str) -> Iterator[str]:
    """Yield the files beside the script that it imports, and those that they import."""
    folder = PurePosixPath(file).parent
    seen, waiting = {file}, [file]
    while waiting:
        for module, _ in _imports(_parse(clone, waiting.pop())):
            beside = (folder / module.partition(".")[0]).as_posix()
            of_package = (f for f in sorted(clone.files) if f.startswith(f"{beside}/"))
            for name in (f"{beside}.py", *(f for f in of_package if f.endswith(".py"))):
                if clone.has(name) and name not in seen:
                    seen.add(name)
                    waiting.append(name)
                    yield name


def _packages(
    clone: Clone, file: str, siblings: tuple[str, ...], trees: list[ast.Module]
) -> list[str]:
    """Return the packages that must be added to those of the service."""
    folder = PurePosixPath(file).parent
    parts = (PurePosixPath(name).relative_to(folder).parts[0] for name in (file, *siblings))
    beside = {part.removesuffix(".py") for part in parts}
    folders = {name.partition("/")[0].removesuffix(".py") for name in clone.files}
    missing: set[str] = set()
    for module, name in (one for tree in trees for one in _imports(tree)):
        top = module.partition(".")[0]
        if top in _STOOD_IN:
            _check_stand_in(module, name)
        elif top in folders - beside:
            raise _UnfitError(f"it imports {module}, which is not in {clone.folder}/scoring")
        elif top == "azure":
            # The packages have the same names as their modules.
            missing.add("-".join(module.split(".")[:3]))
        elif top not in beside | _INSTALLED | sys.stdlib_module_names:
            missing.add(top)
    return sorted(missing)


def _check_stand_in(module: str, name: str) -> None:
    known = STAND_INS.get(module)
    if known is None or (name and name not in known and f"{module}.{name}" not in STAND_INS):
        full_name = f"{module}.{name}" if name else module
        raise _UnfitError(f"it imports {full_name}, for which nothing stands in here")


def _imports(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield module and name of each import; without a name the module itself is imported."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from ((node.module, alias.name) for alias in node.names)


def _model_name(clone: Clone, tree: ast.Module) -> str:
    """Return the script's name for its model file, else the clone's name of the model."""
    texts = [n.value for n in ast.walk(tree) if isinstance(n, ast.Constant)]
    named = {t for t in texts if isinstance(t, str) and _MODEL_FILE.fullmatch(t)}
    variable = clone.variables.get("MODEL_NAME")
    configured = variable.value if variable else ""
    if len(named) > 1 and configured not in named:
        raise _UnfitError(f"it names several files of models: {', '.join(sorted(named))}")
    if len(named) == 1:
        return named.pop()
    return configured if re.fullmatch(r"[\w.-]+", configured) else DEFAULT_NAME
