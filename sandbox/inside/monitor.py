"""The process outside: makes the namespaces, passes signals on, and ends as the command ends.

The kernel ends process 1 of the namespaces with this process, and everything in them with
process 1, so that no process of the command outlives this one.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time

from sandbox.inside import kernel, mounts
from sandbox.inside.process import COULD_NOT, perform
from sandbox.inside.signals import Signals, fork

TYPE_CHECKING = False  # typing's own needs a slow import
if TYPE_CHECKING:
    from typing import NoReturn

    from sandbox.inside.process import Spec

_GRACE_SECONDS = 5.0  # seconds between SIGTERM and SIGKILL, when the parent has ended


def main(spec: Spec, result: int) -> NoReturn:
    if spec.get("status") is not None:
        _be_process_one(spec, result, spec["status"])
    if sys.platform != "linux" and spec["job"] is None:
        # No namespaces and no list of processes here: the command takes this process's place.
        os.chdir(spec["folder"])
        os.execvpe(spec["argv"][0], spec["argv"], {**os.environ, **spec["environ"]})
    _follow_parent(spec)
    if spec["tool"]:
        code = _contain(spec, result)
    else:
        kernel.control(kernel.SUBREAPER, 1)
        code = perform(spec, result)
    _end_like(code)


def _follow_parent(spec: Spec) -> None:
    """Ask the kernel for a signal when the parent ends; the parent may have ended already."""
    parent = spec["parent"]
    if parent:
        kernel.control(kernel.PARENT_DEATH, signal.SIGTERM)
        if os.getppid() != parent:
            sys.exit(COULD_NOT)


def _contain(spec: Spec, result: int) -> int:
    """Run the command in namespaces; return its exit code, or minus the number of its signal."""
    signals = Signals()
    read, write = os.pipe()
    try:
        if spec["tool"] == "bwrap":
            child, first = _start_bubblewrap(spec, result, write)
        else:
            child = first = _start_here(spec, result, write)
    except OSError as error:
        print(f"sandbox: {error}", file=sys.stderr, flush=True)
        return COULD_NOT
    os.close(write)
    status = _watch(signals, spec, child, first)
    with os.fdopen(read, "rb") as pipe:
        said = pipe.read()
    if said:
        return int(said)
    return status if status < 0 else COULD_NOT


def _start_here(spec: Spec, result: int, status: int) -> int:
    """Fork process 1 of new namespaces and return its PID outside of them."""
    try:
        if os.geteuid():
            raise PermissionError
        kernel.unshare(kernel.NEW_PIDS)
    except PermissionError:
        user, group = os.geteuid(), os.getegid()
        kernel.unshare(kernel.NEW_USER | kernel.NEW_PIDS)
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"{user} {user} 1")
        _write("/proc/self/gid_map", f"{group} {group} 1")
    child = fork()
    if child == 0:
        _be_process_one(spec, result, status)
    return child


def _start_bubblewrap(spec: Spec, result: int, status: int) -> tuple[int, int]:
    """Start bubblewrap; return its PID and that of process 1 in its namespaces."""
    told, tell = os.pipe()
    words = [*mounts.bubblewrap(spec), "--info-fd", str(tell), "--", sys.executable, "-I", "-S"]
    inner = json.dumps({**spec, "status": status})
    words += [f"{os.path.dirname(os.path.abspath(__file__))}/__main__.py", inner, str(result)]
    child = fork()
    if child == 0:
        try:
            _leave_group()
            for kept in (tell, status, *((result,) if result >= 0 else ())):
                os.set_inheritable(kept, True)
            os.close(told)
            os.execvp(words[0], words)
        except OSError as error:
            os.write(2, f"sandbox: {words[0]}: {error.strerror}\n".encode())
        os._exit(COULD_NOT)
    os.close(tell)
    with os.fdopen(told, "rb") as pipe:
        content = pipe.read()
    try:
        return child, int(json.loads(content)["child-pid"])
    except (ValueError, KeyError):
        return child, child  # bubblewrap ended early; its stderr has the reason


def _watch(signals: Signals, spec: Spec, child: int, first: int) -> int:
    """Pass signals on to process 1 until it has ended; return how its starter ended."""
    deadline: float | None = None
    while True:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status)
        left = None if deadline is None else max(0.0, deadline - time.monotonic())
        if left == 0.0:
            _kill(first, signal.SIGKILL)
            deadline = None
            continue
        for number in signals.wait(left):
            if number != signal.SIGCHLD:
                _kill(first, number)
                if spec["parent"] and os.getppid() != spec["parent"]:
                    deadline = time.monotonic() + _GRACE_SECONDS


def _be_process_one(spec: Spec, result: int, status: int) -> NoReturn:
    """Make the rest of the namespaces, run the command and write how it ended."""
    _leave_group()
    # The command has the same user: it must not trace this process, which writes the result.
    kernel.control(kernel.DUMPABLE, 0)
    try:
        if spec["tool"] == "unshare":
            own = kernel.NEW_MOUNTS | kernel.NEW_NAMES | kernel.NEW_IPC
            kernel.unshare(own | (0 if spec["network"] else kernel.NEW_NETWORK))
            if not spec["network"]:
                _raise_loopback()
            mounts.enter(spec)
        code = perform(spec, result)
    except BaseException as error:
        os.write(2, f"sandbox: {error}\n".encode())
        code = COULD_NOT
    os.write(status, str(code).encode())
    os._exit(0)


def _leave_group() -> None:
    """Leave the group of the monitor, so that a signal to the group reaches the command once."""
    kernel.control(kernel.PARENT_DEATH, signal.SIGKILL)
    try:
        os.setsid()
    except PermissionError:
        return  # it leads a session already


def _raise_loopback() -> None:
    """Let programs that serve and ask on this machine do so; there is no other network."""
    import fcntl
    import socket
    import struct

    get_flags, set_flags, up = 0x8913, 0x8914, 1
    request = struct.pack("16sH14s", b"lo", 0, b"")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        flags: int = struct.unpack("16sH14s", fcntl.ioctl(probe, get_flags, request))[1]
        fcntl.ioctl(probe, set_flags, struct.pack("16sH14s", b"lo", flags | up, b""))


def _end_like(code: int) -> NoReturn:
    """End with this exit code, or by the signal of which the code is minus the number."""
    if code < 0:
        signal.signal(-code, signal.SIG_DFL) if -code != signal.SIGKILL else None
        kernel.control(kernel.DUMPABLE, 0)  # write no core dump for the command's crash
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {-code})
        os.kill(os.getpid(), -code)
        code = 128 - code  # reached when the signal did not end this process
    os._exit(code)


def _write(path: str, text: str) -> None:
    file = os.open(path, os.O_WRONLY)
    try:
        os.write(file, text.encode())
    finally:
        os.close(file)


def _kill(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
