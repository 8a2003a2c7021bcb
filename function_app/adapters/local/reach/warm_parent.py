"""Starts processes as forks of a parent that has imported their module once.

A process survives this program and its parent. Only Linux has the means; elsewhere none is forked.
"""

import gc
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import traceback
import weakref
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from function_app.errors import PlatformError
from function_app.late_imports import importing

# Limits as `processes` sets them, which the forks inherit.
_LIMITED = 'ulimit -v "$1" 2>/dev/null; ulimit -c 0; shift; exec "$@"'
_MOST_BYTES = 1 << 16  # of a request
_MOST_FILES = 2  # of a request: the lock and the log of the process
_ANSWER_SECONDS = 120.0  # the first answer waits for the import
_CANNOT = 3  # exit code of a parent whose module started a thread, which a fork would not have
_FORKED = b"forked"


class WarmParent:
    """A parent for the processes that run `main(PATH)` of a module.

    It ends with this program, with this object, or by `close`; it costs nothing until its first
    start.
    """

    def __init__(self, module: str, cwd: Path, environ: Mapping[str, str], memory_kib: int) -> None:
        """Take the working folder, environment and limit of memory of each process."""
        self._module, self._cwd, self._environ, self._memory = module, cwd, environ, memory_kib
        self._process: subprocess.Popen[bytes] | None = None
        self._end: socket.socket | None = None
        self._finalizer: weakref.finalize[..., WarmParent] | None = None
        self._lock = threading.Lock()

    @property
    def pid(self) -> int | None:
        """The PID of the parent; None while none runs."""
        return None if self._process is None else self._process.pid

    def start(self) -> bool:
        """Start the parent unless it runs; return whether it may fork.

        A parent that found that it cannot fork is not started again.
        """
        with self._lock:
            return self._start()

    def fork(self, argument: Path, pid_file: Path, lock: int, log: int) -> bool:
        """Fork a process that holds the descriptor `lock` and writes to `log`; False without one.

        The process leads a session and writes its PID into `pid_file`. PlatformError when the
        parent takes too long to answer: the process may start later, and holds the lock then.
        """
        content = {"argument": str(argument), "pid_file": str(pid_file)}
        with self._lock:
            if not self._start() or self._end is None:
                return False
            try:
                socket.send_fds(self._end, [json.dumps(content).encode()], [lock, log])
                if not select.select([self._end], [], [], _ANSWER_SECONDS)[0]:
                    self._close()
                    text = f"No process was forked within {_ANSWER_SECONDS:g} s. It is retried."
                    raise PlatformError("local", f"start {argument.name}", text)
                return self._end.recv(len(_FORKED)) == _FORKED
            except OSError:
                return False

    def close(self) -> None:
        """End the parent; its processes go on."""
        with self._lock:
            self._close()

    def _start(self) -> bool:
        if sys.platform != "linux":
            return False
        if self._process is not None:
            code = self._process.poll()
            if code in (None, _CANNOT):
                return code is None
            self._close()
        self._end, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            words = ["/bin/sh", "-c", _LIMITED, "sh", str(self._memory)]
            words += [sys.executable, "-m", __name__, str(theirs.fileno()), self._module]
            self._process = subprocess.Popen(
                words,
                cwd=self._cwd,
                env=dict(self._environ),
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        self._finalizer = weakref.finalize(self, _end_parent, self._process, self._end)
        return True

    def _close(self) -> None:
        if self._finalizer is not None:
            self._finalizer()
        self._end = self._process = self._finalizer = None


def _end_parent(process: "subprocess.Popen[bytes]", end: socket.socket) -> None:
    end.close()
    # It holds nothing that an orderly end would write.
    process.kill()
    process.wait()


def serve(end: socket.socket, module: str) -> int:
    """Fork a process for each request until the other end closes; return the exit code."""
    with importing():
        main: Callable[[Path], int] = importlib.import_module(module).main
    if len(os.listdir("/proc/self/task")) > 1:
        return _CANNOT
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    # A collection in a fork would write to, and so copy, every page of the modules.
    gc.collect()
    gc.freeze()
    while True:
        request, files, _, _ = socket.recv_fds(end, _MOST_BYTES, _MOST_FILES)
        if not request:
            return 0
        try:
            child = os.fork()
        except OSError:
            child = -1
        if child == 0:
            end.close()
            _run(main, json.loads(request), *files)
        for descriptor in files:
            os.close(descriptor)
        with suppress(OSError):
            end.send(_FORKED if child > 0 else b"no")


def _run(main: Callable[[Path], int], request: Mapping[str, str], lock: int, log: int) -> NoReturn:
    """Be the process of a request, as a shell in the background would have started it."""
    code = 1
    try:
        os.setsid()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for number in (signal.SIGINT, signal.SIGQUIT):
            signal.signal(number, signal.SIG_IGN)
        for descriptor in (1, 2):
            os.dup2(log, descriptor)
        os.close(log)
        os.environ["LOCK_FD"] = str(lock)
        Path(request["pid_file"]).write_text(f"{os.getpid()}\n", encoding="utf-8")
        code = main(Path(request["argument"]))
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    sys.exit(serve(socket.socket(fileno=int(sys.argv[1])), sys.argv[2]))
