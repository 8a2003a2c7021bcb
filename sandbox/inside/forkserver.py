"""python -P sandbox/inside/forkserver.py SOCKET MODULE...: forks sandboxed Python commands.

It imports the named libraries once, and each command that it forks inherits them, so that many
short commands cost one import. It never reads data, because commands inherit its memory.
"""

from __future__ import annotations

import os
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from sandbox.inside import kernel
from sandbox.inside.monitor import main

sys.path.pop(0)  # a library must not be taken from the folder of this app

TYPE_CHECKING = False  # typing's own needs a slow import
if TYPE_CHECKING:
    import socket
    from typing import NoReturn

READY = b"ready"
_MOST_BYTES = 1 << 20  # of a request


def serve(end: socket.socket, modules: list[str]) -> None:
    """Import the modules, then start the command of each request until the client has ended."""
    import gc
    import importlib
    import json
    import socket

    for module in modules:
        try:
            importlib.import_module(module)
        except Exception:
            continue  # the command imports it again and shows the fault
    if len(os.listdir("/proc/self/task")) > 1:
        return  # a fork would have locks that no thread ever releases
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    # A collection in a fork would write to, and so copy, every page of the libraries.
    gc.collect()
    gc.freeze()
    server = os.getpid()
    end.send(READY)
    while True:
        request, files, _, _ = socket.recv_fds(end, _MOST_BYTES, 2)
        if not request:
            return
        if os.fork() == 0:
            end.close()
            _wait_for_command(server, json.loads(request), *files)
        for file in files:
            os.close(file)


def _wait_for_command(server: int, spec: dict[str, object], output: int, reply: int) -> NoReturn:
    """Start the command, write the PID of its monitor, and then its exit code.

    The code is minus the number of a signal when a signal ended the command.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    kernel.control(kernel.PARENT_DEATH, signal.SIGKILL)
    if os.getppid() != server:
        os._exit(0)  # the server ended before it could be watched
    parent = os.getpid()
    monitor = os.fork()
    if monitor == 0:
        for number in (1, 2):
            os.dup2(output, number)
        os.close(output)
        os.close(reply)
        main({**spec, "parent": parent}, -1)
    os.close(output)
    os.write(reply, f"{monitor}\n".encode())
    _, status = os.waitpid(monitor, 0)
    os.write(reply, f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


if __name__ == "__main__":
    import socket

    serve(socket.socket(fileno=int(sys.argv[1])), sys.argv[2:])
