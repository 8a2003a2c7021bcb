"""Processes of this machine that outlive the process that started them.

A process holds a lock on its file through an inherited descriptor, so that the lock is held as long
as it lives, even when the host died. A command that a fork server started holds the lock from a
group of its own. It may outlive the first group for a moment, whose id can then be reused.
"""

import atexit
import contextlib
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from function_app.adapters.local.reach.files import write_json
from function_app.adapters.local.reach.warm_parent import WarmParent
from function_app.addresses import below
from function_app.domain.project import RUN_MEMORY
from function_app.errors import PlatformError

# The shell leads a new session, writes its id, which is the group's, and leaves the command behind:
# a host that dies right after the start can find it, and no process has to wait for its end. Limits
# are set here because a fork in a threaded host must not run Python.
_SHELL = 'ulimit -v "$1" 2>/dev/null; ulimit -c 0; echo $$ > "$2"; shift 2; "$@" &'
MOST_DOUBLINGS = 3  # of the time limit of a start
MEMORY_KIB = RUN_MEMORY >> 10
# A process leaves its id at once, or after the imports of its warm parent. A killed process ends at
# once. All of them wait for a core.
ID_SECONDS, KILL_SECONDS = 180.0, 60.0
MOST_KEPT = 64  # ports
_GROUP = 2  # of the fields of /proc/PID/stat after the name of the program
_kept_ports: deque[socket.socket] = deque()


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A running process: its group's id and the port it was given."""

    pid: int
    port: int


class Processes:
    """The named processes of one state folder."""

    def __init__(self, folder: Path, memory_kib: int = MEMORY_KIB) -> None:
        """Take the limit of the address space of each process that is started, in KiB."""
        self._folder, self._memory = folder, memory_kib

    def start(
        self, name: str, command: Sequence[str], *, cwd: Path, environ: Mapping[str, str], port: int
    ) -> bool:
        """Start the command under this name; False when it runs already."""

        def spawn(lock: int, output: IO[bytes]) -> bool:
            shell = ["/bin/sh", "-c", _SHELL, "sh", str(self._memory), str(self._path(name, "pid"))]
            subprocess.run(
                [*shell, *command],
                cwd=cwd,
                env={**environ, "LOCK_FD": str(lock)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                pass_fds=(lock,),
                check=True,
            )
            return True

        return self._begin(name, port, spawn) is not None

    def fork(self, name: str, parent: WarmParent, argument: Path) -> bool:
        """Let `parent` fork a process under this name; False when the parent forked none.

        The answer is True, too, when a process of this name runs already.
        """

        def spawn(lock: int, output: IO[bytes]) -> bool:
            return parent.fork(argument, self._path(name, "pid"), lock, output.fileno())

        return self._begin(name, 0, spawn) is not False

    def _begin(self, name: str, port: int, spawn: Callable[[int, IO[bytes]], bool]) -> bool | None:
        """Return the answer of `spawn`, which gets lock and log; None when the name runs."""
        self._folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(self._path(name, "lock"), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                return None
            write_json(self._path(name, "json"), {"port": port})
            self._path(name, "pid").unlink(missing_ok=True)
            with self.log(name).open("ab") as output:
                return spawn(lock, output)
        finally:
            os.close(lock)

    def find(self, name: str) -> Record | None:
        """Return the process of this name when it runs."""
        end = time.monotonic() + ID_SECONDS
        while self._is_locked(name):
            text = self._read(name, "pid").strip()
            if text:
                port = json.loads(self._read(name, "json") or '{"port": 0}')["port"]
                return Record(pid=int(text), port=port)
            if time.monotonic() > end:
                raise PlatformError("local", f"find process {name}", "It runs and has left no id.")
            time.sleep(0.01)  # between the fork and the shell's first line
        return None

    def stop(self, name: str, grace: float = 5.0) -> None:
        """End the process and its children, by force when `grace` seconds did not do."""
        for number, patience in ((signal.SIGTERM, grace), (signal.SIGKILL, KILL_SECONDS)):
            record = self.find(name)
            if record is None:
                return
            if self._holds_lock(name, record.pid):
                # Without permission the group is another user's by now.
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(record.pid, number)
            # Otherwise a fork server ends the command, because the group that asked for it is gone.
            end = time.monotonic() + patience
            while self._is_locked(name) and time.monotonic() < end:
                time.sleep(0.02)

    def log(self, name: str) -> Path:
        return self._path(name, "log")

    def log_tail(self, name: str) -> str:
        """Return the last lines that the process wrote."""
        return " | ".join(self._read(name, "log").strip().splitlines()[-3:])

    def _path(self, name: str, ending: str) -> Path:
        return below(self._folder, f"{name}.{ending}")

    def _read(self, name: str, ending: str) -> str:
        try:
            return self._path(name, ending).read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return ""

    def _holds_lock(self, name: str, group: int) -> bool:
        """Return whether a process of this group has the lock's file open.

        True also where the system does not tell: without /proc, and for another user's processes.
        """
        try:
            lock = self._path(name, "lock").stat()
            processes = list(Path("/proc").glob("[0-9]*"))
        except OSError:
            return True
        if not processes:
            return True
        for process in processes:
            try:
                fields = (process / "stat").read_text(errors="replace").rpartition(")")[2].split()
                if int(fields[_GROUP]) != group:
                    continue
                if any(os.path.samestat(each.stat(), lock) for each in (process / "fd").iterdir()):
                    return True
            except PermissionError:
                return True
            except OSError:
                continue  # the process or its descriptor was closed meanwhile
        return False

    def _is_locked(self, name: str) -> bool:
        try:
            lock = os.open(self._path(name, "lock"), os.O_RDWR)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
        finally:
            os.close(lock)
        return False


def start_limit(seconds: float, failures: int) -> float:
    """Return the seconds that a service may take to start after this number of failed starts.

    The limit grows up to eight times, because a slow machine would otherwise never succeed.
    """
    return seconds * float(2 ** min(failures, MOST_DOUBLINGS))


def free_port() -> int:
    """Return a port without a listener that Linux gives to no other program meanwhile.

    A bound socket that does not listen reserves the port, until MOST_KEPT later ports are
    requested. The service itself may bind it, because servers of asyncio set SO_REUSEADDR. Other
    systems than Linux would refuse that, so that there the port is not reserved.
    """
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", 0))
    port = int(listener.getsockname()[1])
    _kept_ports.append(listener)
    _release_ports(MOST_KEPT if sys.platform == "linux" else 0)
    return port


def _release_ports(most: int) -> None:
    while len(_kept_ports) > most:
        _kept_ports.popleft().close()


atexit.register(_release_ports, 0)
