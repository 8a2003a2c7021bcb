"""Starts many sandboxed Python commands from one process that has imported their libraries."""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Protocol, Self

from sandbox.levels import Level

SERVER = Path(__file__).with_name("inside") / "forkserver.py"
# Each thread that a library starts at its import would be missing in a fork. The last variable is
# that of the memory allocator of pyarrow, which pandas imports.
_NO_THREADS = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
}
_LIMITED = 'ulimit -v "$1" 2>/dev/null; ulimit -c 0; shift; exec "$@"'
_IMPORT_SECONDS = 300.0  # a library may never come to the end of its import
_WAITING = 128  # connections
_EXIT_SECONDS = 10.0
_CANNOT = 3  # exit code of a server whose libraries started a thread


class Forked:
    """A command of a fork server, with the methods of `subprocess.Popen` that its callers need.

    `output` is the read end of its output. Over `connection` the server sends the PID of the
    command's monitor, which is `pid`, and then its exit code. The command ends when this process
    ends.
    """

    def __init__(self, output: int, connection: socket.socket, pid: int) -> None:
        self.stdout: IO[bytes] | None = os.fdopen(output, "rb")
        self.pid = pid
        self.returncode: int | None = None
        self._connection = connection

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code, or minus the number of the signal that ended the command.

        subprocess.TimeoutExpired when the command runs longer than `timeout` seconds, None for any
        time.
        """
        if self.returncode is None:
            if not select.select([self._connection], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("command", timeout or 0.0)
            said = _receive(self._connection)
            self._connection.close()
            # Without an answer the server was killed, and its commands with it.
            self.returncode = -signal.SIGKILL if said is None else said
        return self.returncode

    def terminate(self) -> None:
        """Ask the command to end."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """Kill the command, and in namespaces every process that it started."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        if self.returncode is None and not select.select([self._connection], [], [], 0)[0]:
            with suppress(ProcessLookupError):
                # The monitor passes other signals on; the group has a command without namespaces.
                (os.killpg if number == signal.SIGKILL else os.kill)(self.pid, number)


class Forks(Protocol):
    """A server that forks commands."""

    def start(self, words: Sequence[str], descriptors: Sequence[int] = ()) -> Forked | None:
        """Start the words of `sandbox.command.command`; None when the server cannot fork them.

        It forks Python modules only, whose command is this Python with `-m`, and at every level but
        bubblewrap, which is a program and executes each command anew. The first call waits for the
        imports of the server. The `descriptors` stay open until the command has ended.
        """


class ForkServer:
    """A process that imports `libraries` and forks commands at one level; close it at the end.

    `environ` is its environment, which its commands inherit.
    """

    def __init__(self, level: Level, libraries: Sequence[str], environ: Mapping[str, str]) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        if not can_fork(level):
            return
        self._end, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                _command(theirs, libraries),
                env=_environ(environ),
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )

    def start(self, words: Sequence[str], descriptors: Sequence[int] = ()) -> Forked | None:
        """Start a command as `Forks.start` says; a server that has ended forks nothing."""
        if self._process is None or (request := _request(words)) is None:
            return None
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            try:
                with self._lock:
                    socket.send_fds(self._end, [b"1"], [theirs.fileno()])
            except OSError:
                ours.close()
                return None
        return _begin(ours, request, descriptors)

    def close(self) -> None:
        """End the server and its commands."""
        if self._process is not None:
            with self._lock:
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


class SharedForkServer:
    """A fork server for the commands of several processes, which find it at the socket `path`.

    It ends with the process that started it, or by `close`; a running command goes on until its
    own client ends. It costs nothing until its first start.
    """

    def __init__(
        self, path: Path, libraries: Sequence[str], environ: Mapping[str, str], memory_kib: int
    ) -> None:
        """Take the limit of the address space of each command, in KiB."""
        self.path = path
        self._libraries, self._environ, self._memory = libraries, environ, memory_kib
        self._process: subprocess.Popen[bytes] | None = None
        self._finalizer: Callable[[], object] | None = None
        self._refused = False
        self._lock = threading.Lock()

    def start(self) -> bool:
        """Start the server unless it runs; return whether commands may be forked.

        A server that could not fork at all is not started again, and none is started where the
        folder takes no socket.
        """
        with self._lock:
            if sys.platform == "linux" and not self._refused:
                try:
                    self._start()
                except OSError:
                    self._refused = True
            return self._process is not None and self._process.poll() is None

    def _start(self) -> None:
        if self._process is not None and self._process.poll() in (None, _CANNOT):
            return
        self.close()
        self.path.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
            with _short(self.path) as address:
                listener.bind(address)
            self.path.chmod(0o600)
            listener.listen(_WAITING)
            words = ["/bin/sh", "-c", _LIMITED, "sh", str(self._memory)]
            self._process = subprocess.Popen(
                [*words, *_command(listener, self._libraries)],
                env=_environ(self._environ),
                pass_fds=(listener.fileno(),),
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        self._finalizer = weakref.finalize(self, _end_server, self._process)

    @property
    def pid(self) -> int | None:
        """The PID of the server; None before its first start."""
        return None if self._process is None else self._process.pid

    def close(self) -> None:
        """End the server; its commands go on."""
        if self._finalizer is not None:
            self._finalizer()


class SharedForks:
    """The forks of another process's SharedForkServer, at the socket `path`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def start(self, words: Sequence[str], descriptors: Sequence[int] = ()) -> Forked | None:
        """Start a command as `Forks.start` says; None where no server listens."""
        if sys.platform != "linux" or (request := _request(words)) is None:
            return None
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            with _short(self._path) as address:
                connection.connect(address)
        except OSError:
            connection.close()
            return None
        return _begin(connection, request, descriptors)


def _end_server(process: "subprocess.Popen[bytes]") -> None:
    """End a shared server by the end of its standard input."""
    assert process.stdin is not None
    process.stdin.close()
    try:
        process.wait(_EXIT_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def can_fork(level: Level) -> bool:
    """Return whether a fork server can start commands at this level, on this system."""
    return sys.platform == "linux" and level.tool != "bwrap"


def _command(end: socket.socket, libraries: Sequence[str]) -> list[str]:
    # Not isolated, because a fork keeps the seed of hashes that the environment fixes.
    return [sys.executable, "-P", "-s", str(SERVER), str(end.fileno()), *libraries]


def _environ(given: Mapping[str, str]) -> dict[str, str]:
    return {**given, **_NO_THREADS}


def _request(words: Sequence[str]) -> bytes | None:
    """Return the request for a sandboxed command; None for a command that no server forks."""
    spec = json.loads(words[-1])
    argv = spec["argv"]
    if argv[:2] != [sys.executable, "-m"] or spec["tool"] == "bwrap":
        return None
    return json.dumps({**spec, "module": argv[2:]}).encode()


def _begin(connection: socket.socket, request: bytes, descriptors: Sequence[int]) -> Forked | None:
    """Send a request over its connection; None when the server ends before it has forked."""
    output, their_output = os.pipe()
    try:
        socket.send_fds(connection, [request], [their_output, *descriptors])
        ready = select.select([connection], [], [], _IMPORT_SECONDS)[0]
        pid = _receive(connection) if ready else None
    except OSError:
        pid = None
    finally:
        os.close(their_output)
    if pid is None:
        os.close(output)
        connection.close()
        return None
    return Forked(output, connection, pid)


def _receive(connection: socket.socket) -> int | None:
    """Return the number that the server sends, None when it has ended."""
    try:
        said = connection.recv(64)
    except OSError:
        return None
    return int(said) if said else None


@contextmanager
def _short(path: Path) -> Iterator[str]:
    """Yield an address of a socket's path: the path itself may be longer than 107 bytes."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
