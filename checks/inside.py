"""Runs one command of untrusted code and ends all that it started: inside.py SPEC RESULT_FD.

Where the system gives namespaces, this is process 1 of its own ones: no network, no other
processes, every file read-only or hidden, and a workspace in memory that cannot grow. Elsewhere it
is the nearest thing: limits, its own session, and a search for what was left running. It is started
as a file, imports nothing of ours, and answers in one JSON object through RESULT_FD.
"""

import base64
import ctypes
import errno
import fcntl
import json
import os
import re
import resource
import shutil
import signal
import socket
import stat
import struct
import sys
import time
from pathlib import Path
from typing import Any, NoReturn

_RDONLY, _NOSUID, _NODEV, _NOEXEC = 1, 2, 4, 8
_REMOUNT, _NOATIME, _NODIRATIME, _BIND = 32, 1024, 2048, 4096
_MOVE, _REC, _PRIVATE, _RELATIME = 8192, 16384, 1 << 18, 1 << 21
_KEPT_OPTIONS = {
    "nosuid": _NOSUID,
    "nodev": _NODEV,
    "noexec": _NOEXEC,
    "noatime": _NOATIME,
    "nodiratime": _NODIRATIME,
    "relatime": _RELATIME,
}
_PDEATHSIG, _SUBREAPER, _CAPBSET_DROP, _NO_NEW_PRIVS = 1, 36, 24, 38
_LAST_CAPABILITY = 63
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _UP = 0x8913, 0x8914, 1
_MOUNTED = errno.EINVAL, errno.ENOENT  # what lies under another mount cannot be reached anyway
_DEVICES = ("null", "zero", "full", "random", "urandom")
_AWAITED = {signal.SIGCHLD, signal.SIGTERM}
_SHARED_MEMORY = 64 * 1024 * 1024

Spec = dict[str, Any]


def main(spec: Spec, result: int) -> int:
    answer: dict[str, Any] = {"ended": "unprepared", "code": None, "files": {}}
    try:
        _prepare(spec)
        ended, code = _run(spec, result)
        answer = {"ended": ended, "code": code, "files": _collect(spec)}
    except OSError as error:
        answer["error"] = f"{type(error).__name__} {error.errno} {error.filename or ''}"
    with os.fdopen(result, "w", encoding="ascii") as pipe:
        json.dump(answer, pipe)
    return 0


def _prepare(spec: Spec) -> None:
    work = Path(spec["work"])
    if spec["mounts"]:
        _mount("none", "/", None, _REC | _PRIVATE)
        _mount("tmpfs", str(work), "tmpfs", _NOSUID | _NODEV, f"size={spec['space_bytes']}")
    for name in ("home", "tmp", "reports"):
        (work / name).mkdir()
    shutil.copytree(spec["code"], work / "code", symlinks=True)
    for name, source in spec["files"].items():
        shutil.copyfile(source, work / name)
    if spec["network"]:
        _raise_loopback()
    if spec["mounts"]:
        _seal(spec, work)
    else:
        # Not to be killed with its starter, but to be told: nobody else ends what is left.
        _prctl(_PDEATHSIG, signal.SIGTERM)
        _prctl(_SUBREAPER, 1)


def mount_point(field: bytes) -> str:
    """Return the path that a field of mountinfo names: blanks are octal, letters are raw bytes."""
    return os.fsdecode(re.sub(rb"\\([0-7]{3})", lambda code: bytes([int(code[1], 8)]), field))


def _seal(spec: Spec, work: Path) -> None:
    """Hide what the code has no business with, and make everything but the workspace read-only."""
    _mount("proc", "/proc", "proc", _NOSUID | _NODEV | _NOEXEC)
    _mount_devices(work)
    for hidden in spec["hide"]:
        _hide(hidden, work)
    with open("/proc/self/mountinfo", "rb") as lines:
        mounts = [line.split(b" ") for line in lines]
    for fields in mounts:
        place = mount_point(fields[4])
        if place in (str(work), "/dev/shm") or place.startswith("/dev/"):
            continue
        flags = _BIND | _REMOUNT | _RDONLY
        for option in fields[5].decode().split(","):
            flags |= _KEPT_OPTIONS.get(option, 0)
        try:
            _mount("none", place, None, flags)
        except OSError as error:
            if error.errno not in _MOUNTED:
                raise


def _mount_devices(work: Path) -> None:
    """Replace /dev by one without disks and terminals."""
    made = work / "dev"
    made.mkdir()
    _mount("tmpfs", str(made), "tmpfs", _NOSUID | _NOEXEC, "size=64k,mode=755")
    for name in _DEVICES:
        (made / name).touch()
        _mount(f"/dev/{name}", str(made / name), None, _BIND)
    for name, target in (("fd", "fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2")):
        (made / name).symlink_to(f"/proc/self/{target}")
    (made / "shm").mkdir()
    _mount("tmpfs", str(made / "shm"), "tmpfs", _NOSUID | _NODEV, f"size={_SHARED_MEMORY}")
    _mount(str(made), "/dev", None, _MOVE)
    made.rmdir()


def _hide(path: str, work: Path) -> None:
    """Put nothing in the place of a file or a folder; the workspace stays where it is."""
    try:
        kind = os.stat(path).st_mode
    except OSError:
        return
    if not stat.S_ISDIR(kind):
        return _mount("/dev/null", path, None, _BIND)
    if not work.is_relative_to(path):
        return _mount("tmpfs", path, "tmpfs", _NOSUID | _NODEV | _NOEXEC, "size=64k")
    kept = os.open(work, os.O_RDONLY | os.O_DIRECTORY)
    _mount("tmpfs", path, "tmpfs", _NOSUID | _NODEV, "size=64k")
    work.mkdir(parents=True)
    _mount(f"/proc/self/fd/{kept}", str(work), None, _MOVE)
    return os.close(kept)


def _run(spec: Spec, result: int) -> tuple[str, int]:
    """Return how the command ended, and its code, when nothing of it is left."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _AWAITED)
    child = os.fork()
    if child == 0:
        os.close(result)
        _become(spec)
    deadline = time.monotonic() + spec["timeout_seconds"]
    ended, code = "", None
    while code is None and not ended:
        heard = signal.sigtimedwait(_AWAITED, 0.05 if spec["pids"] else 0.2)
        code = _reap(child)
        if heard is not None and heard.si_signo == signal.SIGTERM:
            ended = "stopped"
        elif code is None:
            ended = _overstepped(spec, deadline)
    _end_all(spec, child)
    return ended or "exited", code if code is not None else -signal.SIGKILL


def _become(spec: Spec) -> NoReturn:
    """Turn this fork into the command; nothing of it may return."""
    try:
        os.setsid()
        os.umask(0o077)
        nothing = os.open("/dev/null", os.O_RDONLY)
        os.dup2(nothing, 0)
        os.closerange(3, 4096)
        for name, most in spec["limits"].items():
            number = getattr(resource, name)
            hard = resource.getrlimit(number)[1]
            most = most if hard == resource.RLIM_INFINITY else min(most, hard)
            resource.setrlimit(number, (most, most))
        _prctl(_NO_NEW_PRIVS, 1)
        for capability in range(_LAST_CAPABILITY + 1):
            _prctl(_CAPBSET_DROP, capability)  # root without any of root's powers
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _AWAITED)
        os.chdir(f"{spec['work']}/code")
        os.execvpe(spec["argv"][0], spec["argv"], spec["environ"])
    except OSError as error:
        os.write(2, f"cannot start {spec['argv'][0]}: {error.strerror}\n".encode())
    finally:
        os._exit(127)


def _reap(child: int) -> int | None:
    """Collect whoever died; return the command's code when it was among them."""
    code = None
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return code
        if pid == 0:
            return code
        if pid == child:
            code = os.waitstatus_to_exitcode(status)


def _overstepped(spec: Spec, deadline: float) -> str:
    if time.monotonic() >= deadline:
        return "time"
    if len(_others(spec)) > spec["max_processes"]:
        return "processes"
    if not spec["mounts"] and _size(spec["work"]) > spec["space_bytes"]:
        return "space"
    return ""


def _others(spec: Spec) -> list[int]:
    """Return the processes of the command: all others here, or those that descend from this one."""
    try:
        pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return []
    if spec["pids"]:
        return [pid for pid in pids if pid != 1]
    begun: dict[int, int] = {}
    children: dict[int, list[int]] = {}
    for pid in pids:
        try:
            with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
                fields = file.read().rpartition(")")[2].split()
            begun[pid] = int(fields[19])
        except (OSError, ValueError, IndexError):
            continue
        children.setdefault(int(fields[1]), []).append(pid)
    found: list[int] = []
    waiting = [os.getpid()]
    while waiting:
        parent = waiting.pop()
        # Numbers are given again while we read: who is older than its parent is somebody else's.
        below = [
            pid for pid in children.pop(parent, []) if begun[pid] >= begun.get(parent, begun[pid])
        ]
        found += below
        waiting += below
    return found


def _end_all(spec: Spec, child: int) -> None:
    for _ in range(200):
        others = _others(spec)
        if not others:
            return
        if spec["pids"]:
            _kill(-1)  # everybody of this namespace but its process 1, at once
        else:
            for pid in (-child, *others):
                _kill(pid)
        _reap(0)
        time.sleep(0.01)


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except OSError:
        return


def _size(folder: str) -> int:
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(place, name)).st_blocks * 512
            except OSError:
                continue
    return total


def _collect(spec: Spec) -> dict[str, str]:
    """Return the reports; what the command put in their place as a link or a pipe is none."""
    found = {}
    for name in spec["collect"]:
        folder, _, file = name.partition("/")
        try:
            place = os.open(f"{spec['work']}/{folder}", os.O_DIRECTORY | os.O_NOFOLLOW)
        except OSError:
            continue
        try:
            report = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=place)
        except OSError:
            continue
        finally:
            os.close(place)
        with os.fdopen(report, "rb") as opened:
            if stat.S_ISREG(os.fstat(report).st_mode):
                content = opened.read(spec["report_bytes"] + 1)
                if len(content) <= spec["report_bytes"]:
                    found[name] = base64.b64encode(content).decode()
    return found


def _raise_loopback() -> None:
    """Let tests that serve and ask on this machine do so; there is no other network."""
    request = struct.pack("16sH14s", b"lo", 0, b"")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        answer = fcntl.ioctl(probe, _SIOCGIFFLAGS, request)
        flags = struct.unpack("16sH14s", answer)[1]
        fcntl.ioctl(probe, _SIOCSIFFLAGS, struct.pack("16sH14s", b"lo", flags | _UP, b""))


def _mount(source: str, target: str, kind: str | None, flags: int, options: str = "") -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    words = [None if word is None else word.encode() for word in (source, target, kind)]
    if libc.mount(*words, ctypes.c_ulong(flags), options.encode() or None):
        raise OSError(ctypes.get_errno(), "mount", target)


def _prctl(*numbers: int) -> None:
    """Ask the kernel; systems without it, and numbers that it does not know, change nothing."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(*(ctypes.c_ulong(number) for number in (*numbers, 0, 0, 0)[:5]))


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1]), int(sys.argv[2])))
