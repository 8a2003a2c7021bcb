"""Runs a command of untrusted code as far apart from everything else as this system allows."""

import base64
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from checks.listening import listen
from sandbox.command import wrapped
from sandbox.levels import Level
from sandbox.trees import remove_tree
from sandbox.view import Mount, mounts

_MIB = 1024 * 1024
_GRACE = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits of one command."""

    memory_bytes: int = 8 * 1024 * _MIB
    file_bytes: int = 256 * _MIB
    space_bytes: int = 512 * _MIB
    report_bytes: int = 10 * _MIB
    processes: int = 256
    open_files: int = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The end of a command: `exited`, or the limit that it exceeded (time, processes, space).

    `output` is its beginning and its end; `files` are the reports that it left.
    """

    ended: str
    code: int | None
    output: str
    files: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        return self.ended == "exited" and self.code == 0


class Sandbox:
    """Runs commands on a fresh copy of the code each."""

    def __init__(
        self,
        code: Path,
        *,
        level: Level,
        files: Mapping[str, Path] | None = None,
        hide: Sequence[Path] = (),
        limits: Limits | None = None,
    ) -> None:
        self._code, self._level, self._files = code, level, dict(files or {})
        self._hide, self._limits = tuple(hide), limits or Limits()

    def run(self, words: Sequence[str], timeout: float, collect: Sequence[str] = ()) -> Ended:
        """Run a command in the folder of the code; `{work}` in a word is its workspace."""
        base = Path(tempfile.mkdtemp(prefix="checks-")).resolve()
        try:
            (base / "work").mkdir()
            return self._run(base / "work", words, timeout, collect)
        finally:
            remove_tree(base)

    def _run(
        self, work: Path, words: Sequence[str], timeout: float, collect: Sequence[str]
    ) -> Ended:
        limits, level = self._limits, self._level
        argv = [word.replace("{work}", str(work)) for word in words]
        job = {
            "work": str(work),
            "code": str(self._code),
            "files": {name: str(path) for name, path in self._files.items()},
            "timeout_seconds": timeout,
            "max_processes": limits.processes,
            "space_bytes": limits.space_bytes,
            "report_bytes": limits.report_bytes,
            "collect": list(collect),
        }
        read, write = os.pipe()
        command = wrapped(
            argv,
            level=level,
            folder=work / "code",
            places=self._places(work) if level.isolated else [],
            network=False,
            parent=os.getpid(),
            shared_memory_bytes=64 * _MIB,
            limits={
                "RLIMIT_CPU": int(timeout * (os.cpu_count() or 1)) + 5,
                "RLIMIT_AS": limits.memory_bytes,
                "RLIMIT_FSIZE": limits.file_bytes,
                "RLIMIT_NOFILE": limits.open_files,
                "RLIMIT_NPROC": _threads_of_user() + limits.processes,
                "RLIMIT_CORE": 0,
            },
            job=job,
        )
        try:
            process = subprocess.Popen(
                [*command, str(write)],
                env=_environ(work),
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=(write,),
                start_new_session=True,
            )
        except OSError as error:
            os.close(read)
            return Ended(ended="unprepared", code=None, output=f"{error.strerror}: {command[0]}")
        finally:
            os.close(write)
        output, answer = listen(process, read, timeout + _GRACE)
        return _ended(output, answer)

    def _places(self, work: Path) -> list[Mount]:
        """Return the paths that the code sees beside its workspace."""
        memory = [(work, self._limits.space_bytes)]
        return mounts([self._code, *self._files.values()], [], self._hide, memory=memory)


def _environ(work: Path) -> dict[str, str]:
    """Return the whole environment of the command."""
    path = [str(Path(sys.executable).parent), "/usr/local/bin", "/usr/bin", "/bin"]
    return {
        "PATH": os.pathsep.join(path),
        "HOME": str(work / "home"),
        "TMPDIR": str(work / "tmp"),
        "LANG": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        "COVERAGE_FILE": str(work / "tmp" / "coverage"),
        # Each library uses one thread, so that the limits mean the same on every machine.
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }


def _threads_of_user() -> int:
    """Return how many threads this user has now: the limit of processes counts them all."""
    count, me = 0, os.getuid()
    for name in os.listdir("/proc") if os.path.isdir("/proc") else []:
        try:
            if name.isdigit() and os.stat(f"/proc/{name}").st_uid == me:
                count += len(os.listdir(f"/proc/{name}/task"))
        except OSError:
            continue
    return count if count else resource.getrlimit(resource.RLIMIT_NPROC)[0] // 2


def _ended(output: str, answer: bytes) -> Ended:
    try:
        content = json.loads(answer)
    except ValueError:
        return Ended(ended="time" if not answer else "unprepared", code=None, output=output)
    if "error" in content:
        output += f"\nThe sandbox could not be made: {content['error']}\n"
    files = {name: base64.b64decode(text) for name, text in content["files"].items()}
    return Ended(ended=content["ended"], code=content["code"], output=output, files=files)
