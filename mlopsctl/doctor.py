"""What can be wrong on one machine, and what to do about it."""

import importlib.util
import shutil
import sys
from pathlib import Path
from typing import Any

from mlopsctl.client import Api, ApiError

PACKAGES = ("azure.functions", "azure.durable_functions", "mlflow", "sklearn", "skops", "aiohttp")
MIN_FREE = 1024**3


def examine(api: Api, root: Path, state: Path) -> list[dict[str, Any]]:
    """Return findings: what was looked at, whether it is well, what was seen or what to do."""
    version = ".".join(str(part) for part in sys.version_info[:3])
    findings = [_finding("Python", (3, 11) <= sys.version_info[:2] <= (3, 12), version)]
    absent = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    text = f"{', '.join(absent)} absent. Run `make test`, it sets up." if absent else "all there"
    findings.append(_finding("packages", not absent, text))
    free = shutil.disk_usage(root).free
    findings.append(_finding("disk", free > MIN_FREE, f"{free // 1024**2} MiB are free"))
    findings.append(_finding("state", True, f"{state} {'is there' if state.exists() else 'new'}"))
    try:
        content = api.get("/api/status")
    except ApiError as error:
        return [*findings, _finding("app", False, error.message)]
    failed = [s["instance_id"] for s in content["stories"] if s["status"] == "Failed"]
    letters = len(content["dead_letters"])
    findings.append(_finding("app", True, api.url))
    findings.append(_finding("stories", not failed, f"failed: {', '.join(failed) or 'none'}"))
    text = f"{letters}; `mlopsctl status` shows why" if letters else "none"
    findings.append(_finding("dead letters", not letters, text))
    return findings + _disagreements(api)


def _disagreements(api: Api) -> list[dict[str, Any]]:
    """Return what the last comparison of ledger, histories and platforms found."""
    content = api.get("/api/findings")
    if content["report"] is None:
        return [_finding("reconciliation", True, "not yet; it runs every ten minutes")]
    found = content["report"]["findings"]
    if not found:
        return [_finding("reconciliation", True, f"all agrees, at {content['compared_at']}")]
    return [
        _finding(
            f["kind"],
            f["repaired"],
            f"{f['subject']}: {f['detail']}{' (repaired)' * f['repaired']}",
        )
        for f in found
    ]


def _finding(what: str, ok: bool, detail: str) -> dict[str, Any]:
    return {"what": what, "ok": ok, "detail": detail}
