"""Records in MLflow the runs that ended, from the host's process.

The import of MLflow takes seconds of CPU. The host pays for it once; the watcher of a run would pay
at the end of each run, while the next run of the story begins.
"""

import logging
import threading
from collections.abc import Callable
from pathlib import Path

from function_app.adapters.local.jobs.run_state import may_start
from function_app.adapters.local.jobs.tracking import LocalTracking
from function_app.adapters.local.reach.files import write_json
from function_app.domain.training import Run, RunStatus

_RECORDED = "recorded.json"  # in the folder of a run; its content is for people
_LOG = logging.getLogger(__name__)


class RunRecords:
    """Records each run that ended once, also when the host did not run at that moment."""

    def __init__(self, state: Path, read: Callable[[str], Run]) -> None:
        """Take the state folder and the function that reads a run by its id."""
        self._runs, self._tracking, self._read = state / "runs", LocalTracking(state), read
        self._seen: set[str] = set()
        self._lock = threading.Lock()

    def record_ended(self) -> int:
        """Record the runs that ended since the last call; return the number of recorded runs.

        A run that cannot be recorded is logged once and retried after the next start of the host:
        it must neither change the result of the run nor delay the others.
        """
        if not self._lock.acquire(blocking=False):
            return 0  # the call before still records
        try:
            names = sorted(path.name for path in self._runs.glob("*"))
            return sum(self._record(name) for name in names if name not in self._seen)
        finally:
            self._lock.release()

    def _record(self, name: str) -> bool:
        folder = self._runs / name
        if (folder / _RECORDED).exists():
            self._seen.add(name)
            return False
        if may_start(folder):
            return False  # it runs, or it was interrupted and begins again
        run = self._read(name)
        if run.status is RunStatus.RUNNING:
            return False  # its cancellation is under way
        self._seen.add(name)
        if run.status is RunStatus.UNKNOWN:
            return False  # the folder is not this app's
        try:
            tracked_id = self._tracking.record(run, run.metrics, folder)
            write_json(folder / _RECORDED, {"mlflow_run": tracked_id})
        except Exception as error:
            _LOG.warning("MLflow has no record of %s: %s", name, error)
            return False
        return True
