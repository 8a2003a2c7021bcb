"""The state of a run on this machine, read from its folder and from its process.

A run is final when its watcher wrote a result, or when this app cancelled it. A run without a
result whose process lock is free was interrupted: its machine was restarted, or its processes were
killed. The lock decides, because the kernel releases it with the last process, whereas a PID may
be reused.
"""

import signal
from pathlib import Path
from typing import Any

from function_app.adapters.local.reach.files import read_object, write_json
from function_app.adapters.stops import read_stop, stop_record
from function_app.domain.training import RunStatus
from sandbox.trees import remove_tree

RESULT, CANCELLED = "result.json", "cancelled.json"
TEMPORARY = "tmp"  # the temporary files of a command, until it ends
# The files and folders that a run writes; an interrupted attempt leaves them unfinished.
_OUTPUTS = ("model", "reports", "prepared", "evaluation", TEMPORARY)
# A command does not send these signals to itself when it fails.
_SENT_FROM_OUTSIDE = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_INTERRUPTED = "Its processes ended without a result: they were killed, or the machine restarted."


def read_state(folder: Path, *, running: bool) -> tuple[RunStatus, str]:
    """Return the status of a run and its reason; `running` must have been read before the call."""
    result = _final_result(folder)
    if result is not None:
        return RunStatus(result["status"]), str(result.get("detail", ""))
    if running:
        return RunStatus.RUNNING, ""
    if (folder / CANCELLED).exists():
        return read_stop(read_object(folder / CANCELLED))
    interrupted = read_object(folder / RESULT)
    return RunStatus.INTERRUPTED, str(interrupted.get("detail") or _INTERRUPTED)


def may_start(folder: Path) -> bool:
    """Return whether a submission starts the run: it is new, or it was interrupted."""
    return _final_result(folder) is None and not (folder / CANCELLED).exists()


def write_cancel(folder: Path, reason: str) -> None:
    """Record why this app cancels the run, before it kills the run's processes.

    The reason is "" when the run's time was over.
    """
    if may_start(folder):
        write_json(folder / CANCELLED, stop_record(reason))


def write_result(folder: Path, status: RunStatus, detail: str) -> None:
    """Record the result of an attempt."""
    write_json(folder / RESULT, {"status": status, "detail": detail})


def clear_attempt(folder: Path) -> None:
    """Remove the unfinished outputs of an interrupted attempt; its log is kept."""
    (folder / RESULT).unlink(missing_ok=True)
    for name in _OUTPUTS:
        path = folder / name
        if path.is_dir():
            remove_tree(path)
        else:
            path.unlink(missing_ok=True)


def killed_by(exit_code: int) -> str | None:
    """Return the name of the signal with which another process ended a command, else None."""
    if -exit_code in _SENT_FROM_OUTSIDE:
        return signal.Signals(-exit_code).name
    return None


def _final_result(folder: Path) -> dict[str, Any] | None:
    result = read_object(folder / RESULT)
    final = {status.value for status in RunStatus if status is not RunStatus.INTERRUPTED}
    return result if result.get("status") in final else None
