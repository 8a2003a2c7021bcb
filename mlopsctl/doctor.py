"""Checks for faults of one machine; each finding names its remedy."""

import importlib.util
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from mlopsctl.reach.client import Api, ApiError
from mlopsctl.reach.host_warnings import line, read_warnings
from sandbox.probe import find_level

PACKAGES = ("azure.functions", "azure.durable_functions", "mlflow", "sklearn", "skops", "aiohttp")
MIN_FREE = 1024**3
Finding = dict[str, Any]  # the subject, whether it is well, the detail, and the next command


def examine(api: Api | None, root: Path, state: Path, absent: str = "") -> list[Finding]:
    """Return findings: the subject, whether it is well, the detail and the next command.

    Without an app, `absent` says why there is none.
    """
    version = ".".join(str(part) for part in sys.version_info[:3])
    findings = [_finding("Python", (3, 11) <= sys.version_info[:2] <= (3, 12), version)]
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    text = f"{', '.join(missing)} absent. Run `make test`, it sets up." if missing else "all there"
    findings.append(_finding("packages", not missing, text))
    findings.append(_disk(state))
    findings.append(_state(state))
    findings.append(_isolation())
    if api is None:
        return [*findings, _finding("app", False, absent)]
    try:
        attention = api.get("/api/attention")["attention"]
        compared_at = api.get("/api/findings")["compared_at"]
    except ApiError as error:
        return [*findings, _finding("app", False, error.message)]
    findings.append(_finding("app", True, api.url))
    text = f"compared at {compared_at}" if compared_at else "not yet; it runs every ten minutes"
    findings.append(_finding("reconciliation", True, text))
    if not attention:
        text = "none is open: stories, releases, dead letters, findings"
        findings.append(_finding("failures", True, text))
    # A warning is no failure: the instance behaves as in Azure.
    findings += [
        _finding("warning", True, line(warning), warning["remedy"])
        for warning in read_warnings(api.url, state)
    ]
    return findings + [
        _finding(one["kind"], False, f"{one['subject']}: {one['detail']}", one["next"])
        for one in attention
    ]


def _state(state: Path) -> Finding:
    """Report whether the app can use the path as its state folder; it creates an absent folder."""
    there = next(path for path in (state, *state.absolute().parents) if path.exists())
    if not there.is_dir():
        text = f"{state} cannot be a folder, because {there} is a file. Give --state a folder"
        return _finding("state", False, text)
    if not os.access(there, os.W_OK | os.X_OK):
        text = f"{there} cannot be written. Change its rights, or give --state another folder"
        return _finding("state", False, text)
    return _finding("state", True, f"{state} {'is there' if state.exists() else 'is new'}")


def _isolation() -> Finding:
    """Report the isolation of runs; a weak one is no failure, because the app works with it."""
    isolation = find_level()
    advice = "" if isolation.level.isolated else ". Pull requests are refused. Install bubblewrap"
    return _finding("isolation", True, f"{isolation}{advice}")


def _disk(state: Path) -> Finding:
    """Measure the file system of the state, because trainings fill it."""
    folder = state.resolve()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    text = f"{free // 1024**2} MiB are free in {folder}"
    if free <= MIN_FREE:
        text += f"; at least {MIN_FREE // 1024**2} are needed. Delete old runs, or move the state."
    return _finding("disk", free > MIN_FREE, text)


def _finding(what: str, ok: bool, detail: str, then: str = "") -> Finding:
    return {"what": what, "ok": ok, "detail": detail, "next": then}
