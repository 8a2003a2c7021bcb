"""Starts and stops the app on this machine."""

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from mlopsctl.client import Api, ApiError

START_SECONDS = 60.0


class HostError(Exception):
    """The host did not start; the text has the end of its log."""


class LocalHost:
    """One host process over the app in `root`."""

    def __init__(self, root: Path, state: Path, port: int, platform: str = "local") -> None:
        self._root, self._state, self._platform = root, state, platform
        self.url = f"http://127.0.0.1:{port}"
        self._port = port
        self._log = state / "host.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Return when the host listens."""
        self._state.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "funchost", "start", "--port", str(self._port)]
        command += ["--app", str(self._root), "--state", str(self._state / "funchost")]
        environ = {**os.environ, "MLOPS_STATE": str(self._state), "MLOPS_PLATFORM": self._platform}
        with self._log.open("wb") as output:
            self.process = subprocess.Popen(
                command,
                cwd=self._root,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            if self.process.poll() is not None:
                break
            if b"listening on" in self._log.read_bytes():
                return
            time.sleep(0.05)
        self.stop()
        tail = "\n".join(self._log.read_text(errors="replace").strip().splitlines()[-8:])
        raise HostError(f"The host did not start. Its log, {self._log}, ends:\n{tail}")

    def stop(self) -> None:
        """End the host, then every process that serves."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        stop_processes(self._state)


def stop_processes(state: Path) -> None:
    """End what the app left running: a held lock tells that a process group lives."""
    locks = [path for path in (state / "processes").glob("*.lock") if _is_held(path)]
    for number in (signal.SIGTERM, signal.SIGKILL):
        for path in locks:
            try:
                os.killpg(int(path.with_suffix(".pid").read_text()), number)
            except (OSError, ValueError):
                continue
        end = time.monotonic() + 5
        while locks and time.monotonic() < end:
            locks = [path for path in locks if _is_held(path)]
            time.sleep(0.05)


def choose_port(wanted: int) -> int:
    """Return the wanted port when it is free, else another one."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise HostError("There is no free port on this machine.")


def running_url(state: Path) -> str | None:
    """Return the address of the host that uses this state, when one runs."""
    try:
        content: dict[str, Any] = json.loads((state / "funchost" / "host.json").read_text())
    except (OSError, ValueError):
        return None
    return str(content["url"]) if _is_held(state / "funchost" / "lock") else None


def ensure_platform(api: Api, seconds: float = 120.0) -> dict[str, Any]:
    """Ask the app to make its platform and wait until it stands."""
    instance = api.post("/api/platform")["instance_id"]
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found: dict[str, Any] | None = api.find(f"/api/status/{instance}")
        if found and found["ended"]:
            if found["status"] != "Completed":
                raise ApiError("PLATFORM", f"{instance} {found['status']}: {found['output']}")
            return found
        time.sleep(0.1)
    raise ApiError("PLATFORM", f"{instance} is not done after {seconds:.0f} s. See its status.")


def _is_held(path: Path) -> bool:
    try:
        lock = os.open(path, os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(lock)
    return False
