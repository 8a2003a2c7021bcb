"""Outputs of runs, read from their containers, and this app's own records of runs."""

import json
from typing import Any

from function_app.adapters.azure.jobs import run_specs as specs
from function_app.adapters.azure.jobs.run_containers import RunContainers
from function_app.adapters.azure.reach.blobs import Blobs
from function_app.adapters.run_facts import (
    DATA_REPORTS,
    MOST_REPORT_BYTES,
    PLOTS,
    PLOTS_FOLDER,
    REPORTS,
    ReadRecord,
    read_comparison,
    read_judged,
)
from function_app.adapters.stops import Stop, read_stop, stop_record
from function_app.domain.change.change import CheckReport
from function_app.domain.codec import load
from function_app.domain.data_quality import Prepared
from function_app.domain.events.arrivals import FileLimit
from function_app.domain.gates import Comparison
from function_app.domain.lineage.environment import RunEnvironment, read_environment
from function_app.domain.training import Judged, finite_figures
from function_app.errors import NotFoundError, PlatformError

REPORT_LIMIT = FileLimit(most=MOST_REPORT_BYTES)


class RunOutputs:
    """Reads outputs whole; none of them is large."""

    def __init__(self, versions: Blobs, containers: RunContainers) -> None:
        """Take the container for this app's records, and the containers that runs write."""
        self._versions, self._containers = versions, containers

    def metrics(self, run_id: str, kind: str) -> dict[str, float]:
        """Return the figures of a completed run: the platform's, or of a training its author's."""
        # A training may write anything: content that is not a record of figures counts as no
        # figures.
        return finite_figures(self._containers.read_record(run_id, kind, "metrics.json"))

    def prepared(self, run_id: str) -> Prepared:
        """Return the result of a completed preparation."""
        return load(Prepared, self._written(run_id, specs.PREPARATION, "prepared.json"))

    def judged(self, run_id: str) -> Judged:
        """Return the judgement of a completed evaluation."""
        return read_judged(run_id, self._evaluation(run_id))

    def comparison(self, run_id: str) -> Comparison:
        """Return the comparison of a completed evaluation."""
        return read_comparison(run_id, self._evaluation(run_id))

    def comparison_record(self, run_id: str) -> dict[str, Any] | None:
        """Return the comparison of an evaluation as its run wrote it; None without one."""
        return self._containers.read_record(run_id, specs.EVALUATION, "comparison.json")

    def environment(self, run_id: str) -> RunEnvironment | None:
        """Return the environment that a training's job recorded; None when there is no record."""
        return read_environment(self._containers.environment(run_id))

    def _evaluation(self, run_id: str) -> ReadRecord:
        return lambda name: self._written(run_id, specs.EVALUATION, name)

    def _written(self, run_id: str, kind: str, name: str) -> Any:
        content = self._containers.read_record(run_id, kind, name)
        if not content:
            raise NotFoundError(f"Run {run_id} has no readable {name}. Read its log.")
        return content

    def checks(self, run_id: str) -> CheckReport:
        """Return the report of a completed run of checks."""
        content = self.report(run_id, "checks.json")
        return load(CheckReport, _parse("checks.json", content))

    def report(self, run_id: str, name: str) -> bytes:
        """Return a report or a plot of a run; NotFoundError for a name that no run writes."""
        files = {
            **{report: (specs.CHECKS, report) for report in REPORTS},
            **{report: (specs.PREPARATION, report) for report in DATA_REPORTS},
            **{plot: (specs.EVALUATION, f"{PLOTS_FOLDER}/{plot}") for plot in PLOTS},
        }
        content = None
        if name in files:
            content = self._containers.read_within(run_id, *files[name], REPORT_LIMIT)
        if content is None:
            known = ", ".join(files)
            text = f"Run {run_id} has no report {name[:80]!r}. It may have {known}."
            raise NotFoundError(text)
        return content

    def log(self, run_id: str, kind: str, most: int) -> bytes:
        """Return at most the last `most` bytes that a run has written to its log until now."""
        return self._containers.log(run_id, kind, most)

    def store_stop(self, run_id: str, reason: str) -> None:
        """Record why this app stops the run; the reason is "" when the run's time was over."""
        self._versions.write_json(_stop_name(run_id), stop_record(reason))

    def stop_of(self, run_id: str) -> Stop | None:
        """Return how and why this app stopped the run, None when it did not stop it."""
        record = self._versions.read_record(_stop_name(run_id))
        return None if record is None else read_stop(record)

    def store_attempt(self, run_id: str, attempt: int) -> None:
        """Store the number of the current attempt of a run, before it is submitted."""
        self._versions.write_json(_attempt_name(run_id), {"attempt": attempt})

    def attempt(self, run_id: str) -> int:
        """Return the number of the attempt that counts; the first is 1."""
        record = self._json(_attempt_name(run_id))
        return 1 if record is None else int(record["attempt"])

    def _json(self, name: str) -> Any:
        content = self._versions.read(name)
        return None if content is None else _parse(name, content)


def _parse(name: str, content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        text = f"{name} is not JSON. Read the log of the run."
        raise PlatformError("azure", "read the output of a run", text) from error


def _stop_name(run_id: str) -> str:
    return f"runs/{run_id}/stopped.json"


def _attempt_name(run_id: str) -> str:
    return f"runs/{run_id}/attempt.json"
