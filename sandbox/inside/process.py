"""Runs the command, and ends every process that it started before the result is written.

Process 1 of the namespaces does this, or, without namespaces, the monitor. A `job` of the
SPEC is a check: it gets a copy of the code, limits of time, space and processes, and its reports
are collected. Its few imports are late: each run, and each replica, starts this program.
"""

from __future__ import annotations

import os
import resource
import signal
import time

from sandbox.inside import kernel
from sandbox.inside.signals import Signals, fork, unblock

TYPE_CHECKING = False  # typing's own needs a slow import
if TYPE_CHECKING:
    from typing import Any, NoReturn

    Spec = dict[str, Any]
COULD_NOT = 125
_POLL_SECONDS = {True: 0.05, False: 0.2}  # of the limits of a job, with and without namespaces


def perform(spec: Spec, result: int) -> int:
    """Run the command and return its exit code, minus the number of a signal, or COULD_NOT."""
    # Process 1 of namespaces would never get a signal for which it has no handler.
    signals, job = Signals(), spec["job"]
    answer: dict[str, Any] = {"ended": "unprepared", "code": None, "files": {}}
    code = COULD_NOT
    try:
        if job is not None:
            _prepare(job)
        ended, code = _run(spec, signals)
        answer = {"ended": ended, "code": code, "files": {} if job is None else _collect(job)}
    except OSError as error:
        answer["error"] = f"{type(error).__name__} {error.errno} {error.filename or ''}"
        os.write(2, f"sandbox: {error}\n".encode())
    if result >= 0:
        import json

        with os.fdopen(result, "w", encoding="ascii") as pipe:
            json.dump(answer, pipe)
    return code


def _prepare(job: dict[str, Any]) -> None:
    import shutil

    for name in ("home", "tmp", "reports"):
        os.mkdir(f"{job['work']}/{name}")
    shutil.copytree(job["code"], f"{job['work']}/code", symlinks=True)
    for name, source in job["files"].items():
        shutil.copyfile(source, f"{job['work']}/{name}")


def _run(spec: Spec, signals: Signals) -> tuple[str, int]:
    """Return how the command ended, and its code, when no process of it is left."""
    job = spec["job"]
    child = fork()
    if child == 0:
        _become(spec)
    deadline = time.monotonic() + job["timeout_seconds"] if job else 0.0
    ended, code = "", None
    while code is None and not ended:
        heard = signals.wait(_POLL_SECONDS[bool(spec["tool"])] if job else None)
        code = _reap(child)
        asked = [number for number in heard if number != signal.SIGCHLD]
        if code is not None:
            break
        if job is None:
            for number in asked:
                _kill(child, number)
        else:
            ended = "stopped" if asked else _overstepped(spec, job, deadline)
    _end_all(spec, child)
    return ended or "exited", code if code is not None else -signal.SIGKILL


def _become(spec: Spec) -> NoReturn:
    """Turn this fork into the command; this function never returns."""
    try:
        unblock()
        if spec["tool"] or spec["job"] is not None:
            os.setsid()
        else:
            kernel.control(kernel.PARENT_DEATH, signal.SIGKILL)
        os.umask(0o077)
        os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
        os.closerange(3, 1 << 20)
        for name, most in spec["limits"].items():
            number = getattr(resource, name)
            hard = resource.getrlimit(number)[1]
            most = most if hard == resource.RLIM_INFINITY else min(most, hard)
            resource.setrlimit(number, (most, most))
        kernel.control(kernel.NO_NEW_PRIVILEGES, 1)
        if spec["tool"]:
            for capability in range(kernel.LAST_CAPABILITY + 1):
                kernel.control(kernel.DROP_BOUND, capability)
        os.chdir(spec["folder"])
        if spec["tool"]:
            # The bounding set takes effect at an exec only, and a forked module has none: it could
            # unmount the folders that hide files.
            kernel.drop_capabilities()
        if "module" in spec:
            from sandbox.inside import module

            if not module.is_shadowed(spec["folder"]):
                module.run_module(spec["module"], spec["folder"], spec["environ"])
        os.execvpe(spec["argv"][0], spec["argv"], {**os.environ, **spec["environ"]})
    except OSError as error:
        os.write(2, f"cannot start {spec['argv'][0]}: {error.strerror}\n".encode())
    finally:
        os._exit(127)


def _reap(child: int) -> int | None:
    """Collect ended processes; return the exit code of this one if it was among them."""
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


def _overstepped(spec: Spec, job: dict[str, Any], deadline: float) -> str:
    if time.monotonic() >= deadline:
        return "time"
    if len(_others(spec)) > job["max_processes"]:
        return "processes"
    if not spec["tool"] and _size(job["work"]) > job["space_bytes"]:
        return "space"
    return ""


def _others(spec: Spec) -> list[int]:
    """Return the processes of the command: all others here, or those that descend from this one."""
    try:
        pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return []
    if spec["tool"]:
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
    descendants: list[int] = []
    waiting = [os.getpid()]
    while waiting:
        parent = waiting.pop()
        # PIDs may be reused during the scan. A process older than its parent is not its child.
        below = [
            pid for pid in children.pop(parent, []) if begun[pid] >= begun.get(parent, begun[pid])
        ]
        descendants += below
        waiting += below
    return descendants


def _end_all(spec: Spec, child: int) -> None:
    for _ in range(200):
        if spec["tool"]:
            _kill(-1)  # every process of this namespace but process 1, at once
        others = _others(spec)
        if not others and (not spec["tool"] or _is_alone()):
            return
        if not spec["tool"]:
            for pid in (-child, *others) if spec["job"] is not None else others:
                _kill(pid)
        _reap(0)
        time.sleep(0.01)


def _is_alone() -> bool:
    """Return whether no child is left; orphans of the namespace become children of this process."""
    try:
        os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return True
    return False


def _kill(pid: int, number: int = signal.SIGKILL) -> None:
    try:
        os.kill(pid, number)
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


def _collect(job: dict[str, Any]) -> dict[str, str]:
    """Return the reports; a link or a pipe that the command put there is none."""
    import base64
    import stat

    reports = {}
    for name in job["collect"]:
        folder, _, file = name.partition("/")
        try:
            place = os.open(f"{job['work']}/{folder}", os.O_DIRECTORY | os.O_NOFOLLOW)
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
                content = opened.read(job["report_bytes"] + 1)
                if len(content) <= job["report_bytes"]:
                    reports[name] = base64.b64encode(content).decode()
    return reports
