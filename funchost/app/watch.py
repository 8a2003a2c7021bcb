"""`funchost start --watch`: restarts the host when the app's files change."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path

NAMES = ("host.json", "local.settings.json", "requirements.txt", "funchost.subscriptions.json")
SKIPPED = (".venv", "__pycache__", ".git", ".funchost", "node_modules")
PAUSE = 0.3  # seconds; a change counts once the files have been still for one pause


def watch(command: list[str], app: Path) -> int:
    """Run the command until Ctrl-C or SIGTERM; restart it after each change of the app."""
    stopped = False

    def stop(*_: object) -> None:
        nonlocal stopped
        stopped = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    seen = snapshot(app)
    child = subprocess.Popen(command)
    while not stopped:
        time.sleep(PAUSE)
        present = snapshot(app)
        if present == seen:
            continue
        while not stopped and present != seen:
            seen = present
            time.sleep(PAUSE)
            present = snapshot(app)
        print("The app changed: restarting.", flush=True)
        _end(child)
        child = subprocess.Popen(command)
    return _end(child)


def snapshot(app: Path) -> dict[Path, int]:
    """Return the time of the last change of each file of the app, in nanoseconds."""
    changed: dict[Path, int] = {}
    for folder, folders, files in os.walk(app):
        # A folder of packages has tens of thousands of files: walking it takes the whole pause.
        folders[:] = [name for name in folders if name not in SKIPPED]
        for path in (Path(folder, name) for name in files):
            if path.suffix == ".py" or path.name in NAMES:
                with contextlib.suppress(OSError):
                    changed[path] = path.stat().st_mtime_ns
    return changed


def _end(child: subprocess.Popen[bytes]) -> int:
    if child.poll() is None:
        child.terminate()
    try:
        return child.wait(15)
    except subprocess.TimeoutExpired:
        child.kill()
        return child.wait()
