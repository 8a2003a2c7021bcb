"""Writes the folder that is deployed: the app, the models' code, and Azure's host.json.

The scale controller reads the Durable settings from the file host.json, not from the app settings
that override it (Functions host, FunctionsSyncManager), so the backend must stand in the file; and
the shared host.json must stay one that runs on a machine.
"""

import json
import shutil
import tomllib
from pathlib import Path
from typing import Any

BACKENDS = ("scheduler", "storage")
PARTS = (
    *("checks", "configuration", "function_app", "platform_jobs", "sandbox"),
    *("function_app.py", "requirements.txt", "mlops.toml"),
)
HOST = "host.json"
LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc")


def stage_app(repository: Path, target: Path, backend: str) -> Path:
    """Write `target` from scratch and return it."""
    if backend not in BACKENDS:
        raise SystemExit(f"The Durable backend {backend!r} is none of {', '.join(BACKENDS)}.")
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for part in (*PARTS, *model_folders(repository)):
        source = repository / part
        if source.is_dir():
            shutil.copytree(source, target / part, ignore=LEFT_OUT)
        else:
            shutil.copy2(source, target / part)
    host = read_host(repository, backend)
    (target / HOST).write_text(json.dumps(host, indent=2) + "\n", encoding="utf-8")
    return target


def read_host(repository: Path, backend: str) -> Any:
    """Return Azure's host.json; raise ValueError when one of its files is not JSON."""
    folder, host = repository / "infra" / "host", dict[str, Any]()
    for path in (repository / HOST, folder / "azure.json", folder / f"{backend}.json"):
        try:
            host = merge(host, json.loads(path.read_text("utf-8")))
        except ValueError as error:
            name = path.relative_to(repository)
            raise ValueError(f"{name} is not JSON: {error}.") from error
    return host


def model_folders(repository: Path) -> tuple[str, ...]:
    """Return the models' folders and modules of one file, as mlops.toml names them.

    The code of a model with a repository of its own may be missing here.
    """
    models = tomllib.loads((repository / "mlops.toml").read_text("utf-8-sig"))["models"].values()
    modules = {str(model["training"]).split(".")[0] for model in models}
    folders = {str(model["scoring"]).split("/")[0] for model in models}
    named = modules | {f"{module}.py" for module in modules} | folders
    # The sample's folders are always copied, because the checks and the runs' environment use them.
    there = {name for name in named if (repository / name).exists()}
    return tuple(sorted(there | {"training", "scoring"}))


def merge(below: Any, above: Any) -> Any:
    """Return `below` overridden by `above`: objects are merged, other values are replaced."""
    if not (isinstance(below, dict) and isinstance(above, dict)):
        return above
    merged = {
        key: merge(below[key], value) if key in below else value for key, value in above.items()
    }
    return {**below, **merged}
