"""Starts many sandboxed Python commands from one process that has imported their libraries."""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from sandbox.levels import Level

SERVER = Path(__file__).with_name("inside") / "forkserver.py"
# Each thread that a library starts at its import would be missing in a fork.
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

_IMPORT_SECONDS = 300.0


class Forked:
    """A command of the fork server, with the methods of `subprocess.Popen` that its caller needs.

    `output` is the read end of its output, `reply` that of the pipe in which the server answers the
    PID of the command's monitor and then its exit code, a line each.
    """

    def __init__(self, output: int, reply: int) -> None:
        self.stdout: IO[bytes] | None = os.fdopen(output, "rb")
        self._reply, self._answer = os.fdopen(reply, "rb", buffering=0), b""

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code, or minus the number of the signal that ended the command.

        subprocess.TimeoutExpired when the command runs longer than `timeout` seconds, None for any
        time.
        """
        self._read(2, timeout)
        self._reply.close()
        lines = self._answer.split()
        # Without the second line the server was killed, and its commands with it.
        return int(lines[1]) if len(lines) > 1 else -signal.SIGKILL

    def _read(self, lines: int, timeout: float | None) -> None:
        end = None if timeout is None else time.monotonic() + timeout
        while self._answer.count(b"\n") < lines:
            left = None if end is None else max(0.0, end - time.monotonic())
            if not select.select([self._reply], [], [], left)[0]:
                raise subprocess.TimeoutExpired("command", timeout or 0.0)
            received = self._reply.read(64)
            if not received:
                return
            self._answer += received

    def kill(self) -> None:
        """Kill the command, and in namespaces every process that it started."""
        self._read(1, None)
        if self._answer.count(b"\n") == 1:
            with suppress(ProcessLookupError):
                os.kill(int(self._answer.split()[0]), signal.SIGKILL)


class ForkServer:
    """A process that imports `libraries` and forks commands at one level; close it at the end.

    `environ` is its environment, which its commands inherit. It starts no command at the level of
    bubblewrap, which is a program and executes each command anew.
    """

    def __init__(self, level: Level, libraries: Sequence[str], environ: Mapping[str, str]) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._ready: bool | None = None
        self._lock = threading.Lock()
        if sys.platform != "linux" or level.tool == "bwrap":
            return
        self._end, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                # Not isolated, because a fork keeps the seed of hashes that the environment fixes.
                [sys.executable, "-P", "-s", str(SERVER), str(theirs.fileno()), *libraries],
                env={**environ, **dict.fromkeys(_ONE_THREAD, "1")},
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )

    def start(self, words: Sequence[str]) -> Forked | None:
        """Start the words of `sandbox.command.command`; None when the server cannot fork them.

        It forks Python modules only, whose command is this Python with `-m`. A server that has
        ended, or that could not import its libraries, forks nothing.
        """
        spec = json.loads(words[-1])
        argv = spec["argv"]
        if argv[:2] != [sys.executable, "-m"] or not self._is_ready():
            return None
        request = json.dumps({**spec, "module": argv[2:]}).encode()
        output, their_output = os.pipe()
        reply, their_reply = os.pipe()
        try:
            socket.send_fds(self._end, [request], [their_output, their_reply])
        except OSError:
            os.close(output)
            os.close(reply)
            return None
        finally:
            os.close(their_output)
            os.close(their_reply)
        return Forked(output, reply)

    def _is_ready(self) -> bool:
        """Return whether the server can fork; wait for its imports at the first call."""
        with self._lock:
            if self._ready is None:
                self._ready = self._process is not None and bool(
                    # A library may never come to the end of its import.
                    select.select([self._end], [], [], _IMPORT_SECONDS)[0] and self._end.recv(16)
                )
            return self._ready

    def close(self) -> None:
        if self._process is not None:
            self._end.close()
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
