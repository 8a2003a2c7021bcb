"""Starts and stops the app on this machine."""

import errno
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mlopsctl.reach import state_folder
from mlopsctl.reach.client import Api, ApiError, segment

# A start may take minutes on a busy machine. It is given up when it stops making progress.
STALL_SECONDS = 120.0
STEP_SECONDS = 600.0
SAY_EVERY = 5.0
LISTENS = re.compile(r"^listening on (http://\S+:\d+)$", re.MULTILINE)
Say = Callable[[str], None]


class HostError(Exception):
    """The host did not start or ended; the text has the reason and the remedy."""


class AlreadyRunsError(HostError):
    """A host runs on this state; nothing was started and nothing was touched."""

    def __init__(self, url: str, state: Path) -> None:
        super().__init__(
            f"The app runs already at {url} on the state folder {state}. Nothing was started. "
            "Stop it with Ctrl-C where it was started, or with `mlopsctl down`."
        )


class PortTakenError(HostError):
    """The host did not start, because another program listens on its port."""


class LocalHost:
    """The host process of the app in `root`, with its state in `state`.

    It ends only its own host process, and the processes of the state when this host used the
    state.
    """

    def __init__(
        self,
        root: Path,
        state: Path,
        port: int,
        platform: str = "local",
        say: Say = lambda line: None,
        clock: Callable[[], float] = time.monotonic,
        *,
        is_named: bool = True,
        auth: bool = False,
    ) -> None:
        """Take the app's folder, its state folder and port, where to report progress, a clock.

        Port 0 is any free one: `url` is known after the start. A default port (`is_named` is false)
        is replaced by a free one when another program listens there.
        With `auth` the host asks for function keys, as Azure does.
        """
        self._root, self._state, self._platform = root, state, platform
        self.url, self._is_named = "", is_named
        self._port, self._say, self._clock = port, say, clock
        self._auth = auth
        self._log = state / "host.log"
        self._listened = False
        self._is_spawning = False
        self._interruption: Exception | None = None
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Return when the host listens.

        AlreadyRunsError when a host uses the state, StateError when the state folder cannot be
        used, HostError with the end of the log when the host ends or makes no progress.
        """
        if running := state_folder.running_host(self._state):
            raise AlreadyRunsError(running["url"], self._state)
        state_folder.prepare(self._state)
        with state_folder.start_lock(self._state):
            self._refuse_another()
            state_folder.rotate(self._log)
            try:
                self.url = self._wait(self._begin())
            except PortTakenError:
                if self._is_named:
                    raise
                # The port was free when it was chosen, and is not any more.
                taken, self._port = self._port, 0
                self.url = self._wait(self._begin())
                self._say(f"Port {taken} is in use, so the app listens on {self.url}.")
        self._listened = True

    def _refuse_another(self) -> None:
        while state_folder.has_host(self._state):
            if running := state_folder.running_host(self._state):
                raise AlreadyRunsError(running["url"], self._state)
            time.sleep(0.05)  # that host starts or stops

    def _begin(self) -> int:
        """Start the process; return where its lines begin in the log."""
        command = [sys.executable, "-m", "funchost", "start", "--port", str(self._port)]
        command += ["--app", str(self._root), "--state", str(self._state / "funchost")]
        command += ["--auth"] if self._auth else []
        environ = {
            # Other programs of this machine must not send events in the name of Event Grid.
            "FUNCHOST_EVENTGRID_KEY": "true",
            "FUNCHOST_ALLOWED_HOSTS": urlsplit(os.environ.get("MLOPS_PUBLIC_URL", "")).hostname
            or "",
            **os.environ,
            "MLOPS_STATE": str(self._state),
            "MLOPS_PLATFORM": self._platform,
        }
        with self._log.open("ab") as output:
            now = datetime.now(UTC).isoformat(timespec="seconds")
            output.write(f"---- started at {now} ----\n".encode())
            output.flush()
            begin = output.tell()
            self._is_spawning = True
            self.process = subprocess.Popen(
                command,
                cwd=self._root,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
            self._is_spawning = False
        if self._interruption is not None:
            raise self._interruption
        return begin

    def api(self) -> Api:
        """Return the app; its host must listen."""
        return Api(self.url, self._state, state_folder.function_key(self._state))

    def interrupt(self, error: Exception) -> None:
        """Raise the error from a signal handler, as soon as a spawned process has its owner."""
        if not self._is_spawning:
            raise error
        self._interruption = error

    def _wait(self, begin: int) -> str:
        """Return the host's URL once it listens."""
        assert self.process is not None
        started = changed = said = self._clock()
        progress: tuple[int, str] = (0, "")
        while self.process.poll() is None:
            lines = self._read(begin)
            if match := LISTENS.search(lines):
                return match[1]
            now = self._clock()
            seen = (len(lines), _cpu_time(self.process.pid))
            if seen != progress:
                progress, changed = seen, now
            elif now - changed > STALL_SECONDS:
                self.stop()
                text = f"The host made no progress for {STALL_SECONDS:.0f} s, so it was ended."
                raise HostError(f"{text} {self._tail(begin)}")
            if now - said > SAY_EVERY:
                said = now
                last = lines.strip().splitlines()[-1:] or ["it loads Python packages"]
                self._say(f"Waiting for the host to listen, {now - started:.0f} s: {last[0]}")
            time.sleep(0.05)
        if other := state_folder.running_host(self._state):
            # Another command started one in the same moment, without this command's lock.
            raise AlreadyRunsError(other["url"], self._state)
        is_taken = os.strerror(errno.EADDRINUSE) in self._read(begin)
        error = PortTakenError if is_taken else HostError
        raise error(f"The host did not start. {self._tail(begin)}")

    def check(self) -> None:
        """Raise HostError when the host ended."""
        if self.process is not None and self.process.poll() is not None:
            code = self.process.returncode
            how = f"signal {-code}" if code < 0 else f"exit code {code}"
            raise HostError(
                f"The host ended ({how}). {self._tail(0)}\n"
                "Production and runs go on without it. `make up` starts the host again and "
                "continues; `mlopsctl down` stops everything."
            )

    def stop(self) -> None:
        """End the host, then every process that serves or runs for it."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self._listened:
            state_folder.stop_processes(self._state)

    def _read(self, begin: int) -> str:
        with self._log.open("rb") as log:
            log.seek(begin)
            return log.read().decode(errors="replace")

    def _tail(self, begin: int) -> str:
        tail = "\n".join(self._read(begin).strip().splitlines()[-8:])
        return f"Its log, {self._log}, ends:\n{tail}"


def _cpu_time(pid: int) -> str:
    """Return how long a process has computed, as a text that changes while it does."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return " ".join(fields[11:13])
    except OSError:
        command = ["ps", "-o", "time=", "-p", str(pid)]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def named_port(port: int) -> int:
    """Return the port that a person named, 0 for any; HostError when it cannot be used."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            text = f"Port {port} cannot be used: {error.strerror}."
            raise HostError(f"{text} Name another port, or none to let the app choose.") from None
    return port


def running_url(state: Path) -> str | None:
    """Return the address of the host that uses this state, when one runs."""
    host = state_folder.running_host(state)
    return str(host["url"]) if host else None


def ensure_platform(
    api: Api, seconds: float = STEP_SECONDS, tick: Say = lambda step: None
) -> dict[str, Any]:
    """Let the app make its platform and return that story's status.

    `tick` gets the present step now and then. ApiError when the story fails, or when one step
    takes longer than `seconds`.
    """
    instance = api.post("/api/platform")["instance_id"]
    step, changed = "", time.monotonic()
    while time.monotonic() - changed < seconds:
        tick(step)
        view = _find(api, instance)
        if view and view["ended"]:
            if view["status"] != "Completed":
                raise ApiError("PLATFORM", f"{instance} {view['status']}: {view['output']}")
            return view
        shown = str(((view or {}).get("step") or {}).get("step") or step)
        if shown != step:
            step, changed = shown, time.monotonic()
        time.sleep(0.1)
    text = f"{instance} has been at {step or 'its start'!r} for {seconds:.0f} s. See its status."
    raise ApiError("PLATFORM", text)


def _find(api: Api, instance: str) -> dict[str, Any] | None:
    """Return the story's status, None when the app does not answer: it may be busy."""
    try:
        story: dict[str, Any] | None = api.find(f"/api/status/{segment(instance)}")
        return story
    except ApiError as error:
        if error.code == "UNREACHABLE":
            return None
        raise
