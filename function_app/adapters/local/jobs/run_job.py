"""The watcher of one run: python -m function_app.adapters.local.jobs.run_job FOLDER.

It is a process of its own, so that the run ends and its result is written even when the host dies.
The event that it publishes is a hint; a story that misses it gets the result by polling. A host
without a topic takes the event from the app's inbox.
"""

import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from function_app.adapters.local.jobs.run_environment import EnvironmentRecorder, run_environ
from function_app.adapters.local.jobs.run_log import copy_redacted
from function_app.adapters.local.jobs.run_state import (
    TEMPORARY,
    clear_attempt,
    killed_by,
    write_result,
)
from function_app.adapters.local.reach.containment import contained, read_record
from function_app.adapters.local.reach.files import read_json, read_tail
from function_app.domain.text.plain_text import one_line
from function_app.domain.text.redaction import redact
from function_app.domain.training import RunStatus
from sandbox.command import command
from sandbox.forkserver import Forked, SharedForks
from sandbox.levels import BY_NAME, LIMITS
from sandbox.trees import remove_tree

_TAIL_BYTES = 64 * 1024
GRACE_SECONDS = 5.0  # between the polite end of a command and its end by force


def main(folder: Path) -> int:
    request = read_json(folder / "request.json")
    clear_attempt(folder)
    (folder / "model").mkdir()  # a training finds the folder that it writes
    status, detail = _run(folder, request)
    remove_tree(folder / TEMPORARY)
    write_result(folder, status, detail)
    from function_app.adapters.local.jobs import run_event

    model = request["dataset"]["model"]
    run_event.publish(folder.parents[1], request["run_id"], model, status, request["tags"])
    return 0


def _run(folder: Path, request: dict[str, Any]) -> tuple[RunStatus, str]:
    if obstacle := _obstacle(Path(request["folder"]), request["command"][0]):
        with (folder / "run.log").open("a", encoding="utf-8") as log:
            log.write(f"{obstacle}\n")
        return RunStatus.FAILED, obstacle
    environ = run_environ()
    with (folder / "run.log").open("ab") as log:
        begin = log.tell()
        words = _contained(folder, request)
        ended = _start(words, request["folder"], environ, request.get("forks"))
        assert ended.stdout is not None
        writer = threading.Thread(target=copy_redacted, args=(ended.stdout, log), daemon=True)
        writer.start()
        # It has its own process, so that the training does not wait for it.
        recorder = EnvironmentRecorder(folder, request.get("recorder") or (), environ)
        # It takes a tenth of a second of CPU, while the command runs.
        import function_app.adapters.local.jobs.run_event  # noqa: F401

        try:
            code = ended.wait(request["timeout_seconds"])
        except subprocess.TimeoutExpired:
            _end(ended)
            return RunStatus.TIMED_OUT, f"It ran longer than {request['timeout_seconds']} seconds."
        finally:
            # Without a sandbox a process that the command left behind may hold the pipe open.
            writer.join(GRACE_SECONDS)
            if not writer.is_alive():
                ended.stdout.close()
            recorder.finish()
    size = (folder / "run.log").stat().st_size
    tail = read_tail(folder / "run.log", min(size - begin, _TAIL_BYTES))
    lines = tail.decode(errors="replace").strip().splitlines()
    if signal_name := killed_by(code):
        return RunStatus.INTERRUPTED, f"{signal_name} ended it. Is the machine out of memory?"
    if code:
        last = one_line(redact(lines[-1]))[:300] if lines else "It wrote nothing."
        text = f"{_end_of(code)}: {last.rstrip('.')}."
        return RunStatus.FAILED, f"{text} `mlopsctl logs {folder.name}` shows its log."
    return RunStatus.COMPLETED, ""


def _obstacle(start: Path, program: str) -> str:
    """Return why a program cannot start in a folder of the code, "" when it can."""
    if not start.is_dir():
        return (
            f"The code has no folder {start.name}, in which `command` of the model starts. "
            "Correct `training` of the model in mlops.toml, or add the folder."
        )
    if program != "python" and shutil.which(program, path=run_environ().get("PATH")) is None:
        return (
            f"There is no program {program} in PATH on this machine, the first word of `command` "
            "of the model in mlops.toml. Install it, or correct the word."
        )
    return ""


def _start(
    words: list[str], folder: str, environ: dict[str, str], forks: str | None
) -> "subprocess.Popen[bytes] | Forked":
    """Start the command of a run: as a fork of the server at `forks`, or else by itself."""
    # The run counts as running for as long as its command does, also when this watcher is killed.
    lock = int(os.environ.get("LOCK_FD", "-1"))
    descriptors = (lock,) if lock >= 0 else ()
    forked = SharedForks(Path(forks)).start(words, descriptors) if forks else None
    return forked or subprocess.Popen(
        words,
        cwd=folder,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        pass_fds=descriptors,
    )


def _contained(folder: Path, request: dict[str, Any]) -> list[str]:
    """Return the words that run the command of a run apart from the state and from other runs."""
    first, *rest = request["command"]
    words = [sys.executable if first == "python" else first, *rest]
    record = request.get("sandbox")
    if not record:
        # Only the form of a sandboxed command can be forked; this level hides nothing.
        own = Path(request["folder"])
        return command(words, level=BY_NAME[LIMITS], folder=own) if request.get("forks") else words
    access, level, root = read_record(record)
    scratch = folder / TEMPORARY
    for folder_path in (*map(Path, access.writable), scratch):
        folder_path.mkdir(exist_ok=True)
    return contained(
        words,
        Path(request["folder"]),
        access,
        level=level,
        state=folder.parents[1],
        root=root,
        scratch=scratch,
    )


def _end(process: "subprocess.Popen[bytes] | Forked") -> None:
    """End a command and all that it started."""
    process.terminate()
    try:
        process.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _end_of(code: int) -> str:
    """Return the exit code, or the name of the signal that a crash ended the command with."""
    if code > 0:
        return f"Exit code {code}"
    try:
        return f"It crashed with {signal.Signals(-code).name}"
    except ValueError:
        return f"It crashed with signal {-code}"


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
