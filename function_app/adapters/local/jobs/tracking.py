"""Finished runs as MLflow runs, so that `mlflow ui` shows parameters, figures, tags and files."""

import tempfile
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from function_app.adapters.local.jobs.mlflow_client import import_mlflow, mlflow_client
from function_app.adapters.local.jobs.run_environment import recorded_environment
from function_app.adapters.local.reach.files import find_irregular, locked, read_object
from function_app.adapters.run_facts import RUN_ID, comparison_figures, parameters, tags
from function_app.addresses import below, file_address
from function_app.domain.training import Run, RunStatus

if TYPE_CHECKING:
    from mlflow import MlflowClient

# The folder of an evaluation in a run's folder, and its comparison of two models.
EVALUATION, COMPARISON = "evaluation", "comparison.json"
_ENDS = {
    RunStatus.COMPLETED: "FINISHED",
    RunStatus.TIMED_OUT: "KILLED",
    RunStatus.CANCELLED: "KILLED",
}


class LocalTracking:
    """Records each run once in the MLflow database of the state folder."""

    def __init__(self, state: Path) -> None:
        self._state = state

    def client(self) -> "MlflowClient":
        """Return a client of the database, which the first call makes.

        The caller holds `lock()`, because two processes that make the database at once break it.
        """
        return mlflow_client(self._state)

    def lock(self) -> AbstractContextManager[None]:
        """Return the lock of the database: one process at a time makes it or records a run."""
        return locked(self._state / "mlflow.lock")

    def record(self, run: Run, metrics: Mapping[str, float], folder: Path) -> str:
        """Record a run that ended, with the files of its folder; return the id of the MLflow run.

        Idempotent: a run that was recorded before is found by its tag, and completed when a crash
        left it half-recorded.
        """
        # The import is before the lock: it takes seconds, in which others may use the database.
        import_mlflow()
        with self.lock():
            return self.record_locked(run, metrics, folder)

    def record_locked(self, run: Run, metrics: Mapping[str, float], folder: Path) -> str:
        """Record a run as `record` does; the caller holds the lock."""
        client = self.client()
        experiment = self._experiment(client, run.model or "unknown")
        query = f"tags.`{RUN_ID}` = '{run.run_id}'"
        runs = client.search_runs([experiment], query, max_results=1)
        if runs and runs[0].info.status != "RUNNING":
            return str(runs[0].info.run_id)
        if runs:
            tracked_id = str(runs[0].info.run_id)
        else:
            names = {RUN_ID: run.run_id, "mlflow.runName": run.run_id}
            tracked_id = str(client.create_run(experiment, tags=names).info.run_id)
        if folder.is_dir():
            self._keep_files(client, tracked_id, folder)
        facts = tags(run, recorded_environment(folder))
        compared = comparison_figures(read_object(folder / EVALUATION / COMPARISON))
        self._describe(client, tracked_id, run, {**metrics, **compared}, facts)
        # The end is written last, because a run without an end is recorded again.
        client.set_terminated(tracked_id, status=_ENDS.get(run.status, "FAILED"))
        return tracked_id

    def attach(self, tracked_id: str, files: Mapping[str, bytes], folder: str) -> None:
        """Store files by name as artifacts of an MLflow run, below a folder of its artifacts.

        The caller holds the lock.
        """
        with tempfile.TemporaryDirectory() as given:
            for name, content in files.items():
                (Path(given) / name).write_bytes(content)
            self.client().log_artifacts(tracked_id, given, folder)

    def _keep_files(self, client: "MlflowClient", tracked_id: str, folder: Path) -> None:
        """Copy the files of a run, unless a training left more than files in its folder.

        MLflow would follow a link to a file outside of the folder, and wait for ever at a pipe.
        """
        irregular = find_irregular(folder)
        if irregular is None:
            client.log_artifacts(tracked_id, str(folder))
        else:
            text = f"not recorded: {irregular} is not a regular file"
            client.set_tag(tracked_id, "mlops.files", text[:500])

    def _describe(
        self,
        client: "MlflowClient",
        tracked_id: str,
        run: Run,
        metrics: Mapping[str, float],
        facts: Mapping[str, str],
    ) -> None:
        entities = import_mlflow().entities
        # The time is not that of this call, because a repetition must write the same points.
        client.log_batch(
            tracked_id,
            metrics=[entities.Metric(name, value, 0, 0) for name, value in sorted(metrics.items())],
            params=[entities.Param(name, value) for name, value in parameters(run).items()],
            tags=[entities.RunTag(name, value) for name, value in facts.items()],
        )

    def _experiment(self, client: "MlflowClient", model: str) -> str:
        experiment = client.get_experiment_by_name(model)
        if experiment is not None:
            return str(experiment.experiment_id)
        files = below(self._state / "mlflow-artifacts", model).resolve()
        return str(client.create_experiment(model, artifact_location=file_address(files)))
