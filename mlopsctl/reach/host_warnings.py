"""The warnings of the host on this machine; Azure's host gives none."""

from __future__ import annotations

from pathlib import Path

import httpx

from mlopsctl.reach import state_folder

PATH = "/runtime/webhooks/funchost/warnings"


def read_warnings(url: str, state: Path) -> list[dict[str, str]]:
    """Return the warnings of the host of this state, the newest first.

    The list is empty for an app at another address and for a host that does not answer. Each
    warning has the kind, the instance, the cause, the remedy and the time.
    """
    host = state_folder.running_host(state)
    if host is None or str(host["url"]) != url.rstrip("/"):
        return []
    try:
        answer = httpx.get(
            f"{host['url']}{PATH}",
            headers={"x-functions-key": str(host["systemKey"])},
            timeout=20,
            trust_env=False,
        )
        answer.raise_for_status()
        warnings: list[dict[str, str]] = answer.json()["warnings"]
    except (httpx.HTTPError, ValueError, KeyError):
        return []
    return warnings


def line(warning: dict[str, str]) -> str:
    """Return a warning as one line for people."""
    return f"{warning['instance']}: {warning['cause']} ({warning['kind']}, {warning['at'][:19]}Z)"
