"""python -P sandbox/inside/forkserver.py SOCKET MODULE...: forks sandboxed Python commands.

It imports the named libraries once, and each command that it forks inherits them, so that many
short commands cost one import. It reads neither data nor requests, because commands inherit its
memory: a fork reads the request of its own connection.

SOCKET is the number of a descriptor. A private server gets connections over a socket of its client,
and it and all its commands end with the client. A shared server accepts them at a listening socket
until its standard input ends; its commands go on.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from sandbox.inside import kernel
from sandbox.inside.monitor import main
from sandbox.inside.signals import Signals, fork, unblock

sys.path.pop(0)  # a library must not be taken from the folder of this app

TYPE_CHECKING = False  # typing's own needs a slow import
if TYPE_CHECKING:
    import socket
    from typing import NoReturn

_MOST_BYTES = 1 << 20  # of a request
_MOST_FILES = 8  # of a request: its output and descriptors that the monitor keeps open
_GRACE_SECONDS = 3.0  # between SIGTERM and SIGKILL for the command of a client that has ended
_IMPORT_SECONDS = 300
CANNOT = 3  # exit code: the libraries started a thread, which a fork would not have


def serve(end: socket.socket, modules: list[str]) -> int:
    """Import the modules, then start the command of each connection; return the exit code."""
    import gc
    import importlib
    import json  # noqa: F401  for the forks
    import socket

    signal.alarm(_IMPORT_SECONDS)  # a library may never come to the end of its import
    shared = bool(end.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
    for module in modules:
        try:
            importlib.import_module(module)
        except Exception:
            continue  # the command imports it again and shows the fault
        if shared and _has_ended(0):
            return 0
    signal.alarm(0)
    if len(os.listdir("/proc/self/task")) > 1:
        return CANNOT  # a fork would have locks that no thread ever releases
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    # A collection in a fork would write to, and so copy, every page of the libraries.
    gc.collect()
    gc.freeze()
    server = os.getpid()
    while True:
        connection = _accept(end) if shared else _receive(end)
        if connection is None:
            return 0
        if os.fork() == 0:
            end.close()
            _serve_one(connection, 0 if shared else server)
        connection.close()


def _accept(listener: socket.socket) -> socket.socket | None:
    """Return the next connection, None when standard input has ended."""
    ready, _, _ = select.select([0, listener.fileno()], [], [])
    return None if 0 in ready else listener.accept()[0]


def _receive(end: socket.socket) -> socket.socket | None:
    """Return the next connection that the client sends, None when the client has ended."""
    import socket

    _, files, _, _ = socket.recv_fds(end, 1, 1)
    return socket.socket(fileno=files[0]) if files else None


def _has_ended(stream: int | socket.socket) -> bool:
    """Return whether a stream has ended on which nothing is sent."""
    return bool(select.select([stream], [], [], 0)[0])


def _serve_one(connection: socket.socket, server: int) -> NoReturn:
    """Start the command of a connection, send the PID of its monitor, and then its exit code.

    The code is minus the number of a signal when a signal ended the command. The command ends with
    the client, and with the process `server` unless that is 0.
    """
    import json
    import socket

    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    if server:
        kernel.control(kernel.PARENT_DEATH, signal.SIGKILL)
        if os.getppid() != server:
            os._exit(0)  # the server ended before it could be watched
    request, files, _, _ = socket.recv_fds(connection, _MOST_BYTES, _MOST_FILES)
    if not request or _has_ended(connection):
        os._exit(0)  # a client that waited too long has ended the connection
    spec, output, parent = json.loads(request), files[0], os.getpid()
    signals = Signals()
    leads, leading = os.pipe()
    monitor = fork()
    if monitor == 0:
        os.setsid()  # a kill of its group reaches a command without namespaces, too
        unblock()
        os.close(leads)
        os.close(leading)
        for number in (1, 2):
            os.dup2(output, number)
        os.close(output)
        connection.close()
        main({**spec, "parent": parent}, -1)
    os.close(output)
    os.close(leading)
    os.read(leads, 1)  # ends when the monitor leads its group: an earlier kill would miss it
    os.close(leads)
    _send(connection, monitor)
    _send(connection, _wait_for(monitor, signals, connection))
    os._exit(0)


def _wait_for(monitor: int, signals: Signals, connection: socket.socket) -> int:
    """Return the exit code of a monitor; end it when the client has ended."""
    deadline: float | None = None
    while True:
        pid, status = os.waitpid(monitor, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status)
        if deadline is None:
            ends = [signals.fileno(), connection.fileno()]
            if connection.fileno() in select.select(ends, [], [])[0]:
                # The client sends nothing more: its end of the connection is closed.
                os.kill(monitor, signal.SIGTERM)
                deadline = time.monotonic() + _GRACE_SECONDS
        else:
            select.select([signals], [], [], max(0.0, deadline - time.monotonic()))
            if time.monotonic() >= deadline:
                os.killpg(monitor, signal.SIGKILL)
                deadline += _GRACE_SECONDS
        for number in signals.wait(0):
            if number != signal.SIGCHLD:
                os.kill(monitor, number)


def _send(connection: socket.socket, number: int) -> None:
    try:
        connection.send(f"{number}\n".encode())
    except OSError:
        return  # the client has ended


if __name__ == "__main__":
    import socket

    sys.exit(serve(socket.socket(fileno=int(sys.argv[1])), sys.argv[2:]))
