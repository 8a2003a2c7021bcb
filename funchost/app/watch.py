"""`funchost start --watch`: restarts the host when the app's files change."""

from __future__ import annotations

import signal
import subprocess
import sys
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
    times: dict[Path, int] = {}
    for path in app.rglob("*"):
        if path.suffix != ".py" and path.name not in NAMES:
            continue
        if any(part in SKIPPED for part in path.relative_to(app).parts):
            continue
        try:
            times[path] = path.stat().st_mtime_ns
        except FileNotFoundError:
            continue
    return times


def _end(child: subprocess.Popen[bytes]) -> int:
    if child.poll() is None:
        child.terminate()
    try:
        return child.wait(15)
    except subprocess.TimeoutExpired:
        child.kill()
        return child.wait()


def command_without_watch() -> list[str]:
    """Return this process's own command, without the option."""
    return [sys.executable, "-m", "funchost", *[a for a in sys.argv[1:] if a != "--watch"]]
