"""Training runs on this machine: a process each, with a folder that tells how it ended."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from function_app.adapters.local.files import read_json, write_json
from function_app.adapters.local.processes import Processes
from function_app.codec import dump, load
from function_app.domain.gates import Predictions
from function_app.domain.project import ModelProject
from function_app.domain.training import Dataset, ModelVersion, Run, RunStatus
from function_app.errors import NotFoundError, PlatformError

# What a run needs of the environment; the app's settings and keys are not among it.
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT")
PREDICT_TIMEOUT = 300.0


class LocalJobs:
    """Starts `python -m training` under a watcher that writes the result and publishes it."""

    def __init__(
        self,
        state: Path,
        root: Path,
        processes: Processes,
        projects: Mapping[str, ModelProject],
        topic: tuple[str, str],
    ) -> None:
        self._runs, self._root, self._processes = state / "runs", root, processes
        self._projects, self._topic = projects, topic

    def submit(self, run_id: str, dataset: Dataset, tags: dict[str, str]) -> Run:
        folder = self._runs / run_id
        if not (folder / "result.json").exists():
            project = self._projects.get(dataset.model)
            if project is None:
                raise NotFoundError(f"mlops.toml names no model {dataset.model!r}. Add it.")
            request = {
                "run_id": run_id,
                "dataset": dump(dataset),
                "tags": tags,
                "training": project.training,
                "timeout_seconds": project.training_run.timeout_seconds,
            }
            write_json(folder / "request.json", request)
            endpoint, key = self._topic
            self._processes.start(
                f"run-{run_id}",
                [sys.executable, "-m", "function_app.adapters.local.run_job", str(folder)],
                cwd=self._root,
                environ={
                    **plain_environ(),
                    "MLOPS_TOPIC_ENDPOINT": endpoint,
                    "MLOPS_TOPIC_KEY": key,
                },
                port=0,
            )
        return self.get(run_id)

    def get(self, run_id: str) -> Run:
        folder = self._runs / run_id
        request = read_json(folder / "request.json")
        if request is None:
            return Run(
                run_id=run_id,
                model="",
                status=RunStatus.UNKNOWN,
                dataset_version="",
                output_uri="",
                detail="This machine has no such run.",
            )
        running = self._processes.find(f"run-{run_id}") is not None
        # Looked at after the process: one that ended in between has left its result.
        result = read_json(folder / "result.json")
        if result is not None:
            status, detail = RunStatus(result["status"]), result["detail"]
        elif running:
            status, detail = RunStatus.RUNNING, ""
        else:
            status, detail = RunStatus.FAILED, "Its process ended without a result."
        dataset = load(Dataset, request["dataset"])
        return Run(
            run_id=run_id,
            model=dataset.model,
            status=status,
            dataset_version=dataset.version,
            output_uri=str(folder / "model"),
            detail=detail,
            metrics=read_json(folder / "model" / "metrics.json") or {},
        )

    def cancel(self, run_id: str) -> None:
        self._processes.stop(f"run-{run_id}")
        folder = self._runs / run_id
        if folder.exists() and not (folder / "result.json").exists():
            detail = "It was stopped at its deadline. Raise timeout_seconds, or train on less."
            write_json(folder / "result.json", {"status": RunStatus.TIMED_OUT, "detail": detail})

    def predict(self, run: Run, champion: ModelVersion | None) -> Predictions:
        folder = self._runs / run.run_id
        rows = folder / "model" / "test_rows.csv"
        challenger = self._predict(Path(run.output_uri), rows, folder / "challenger.json")
        served = None
        if champion is not None:
            served = self._predict(Path(champion.uri), rows, folder / "champion.json")["predicted"]
        return Predictions(
            actual=tuple(challenger["actual"]),
            challenger=tuple(challenger["predicted"]),
            champion=None if served is None else tuple(served),
        )

    def _predict(self, model: Path, rows: Path, out: Path) -> dict[str, list[float]]:
        command = [sys.executable, "-m", "training", "predict"]
        command += ["--model", str(model), "--rows", str(rows), "--out", str(out)]
        ended = subprocess.run(
            command,
            cwd=self._root,
            env=plain_environ(),
            capture_output=True,
            text=True,
            timeout=PREDICT_TIMEOUT,
            check=False,
        )
        if ended.returncode:
            raise PlatformError("local", "predict", ended.stderr.strip()[-300:])
        content: dict[str, list[float]] = json.loads(out.read_text(encoding="utf-8"))
        return content


def plain_environ() -> dict[str, str]:
    """Return the environment for code that must not see the app's settings."""
    return {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
