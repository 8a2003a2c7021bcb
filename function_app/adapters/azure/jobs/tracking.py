"""Ended runs in the workspace's MLflow tracking: parameters, figures and tags on the job itself.

The app writes them from outside, after the job ended. Code in a job could claim any figure, so that
no job may write them; and a model's environment needs no package for it.
"""

import json
import logging
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from function_app.adapters.azure.jobs import run_specs as specs
from function_app.adapters.azure.jobs.run_outputs import RunOutputs
from function_app.adapters.azure.reach.connection import translate
from function_app.adapters.azure.reach.web import Web
from function_app.adapters.azure.reach.workspace import API, Workspace
from function_app.adapters.run_facts import comparison_figures, parameters, tags
from function_app.domain.lineage.environment import RunEnvironment
from function_app.domain.training import Run, RunStatus
from function_app.errors import MlopsError, PlatformError
from function_app.records.submissions import Submissions, Untracked

TRACKED = (specs.TRAINING, specs.EVALUATION)
# After this time the app gives up recording a run.
PATIENCE = timedelta(days=7)
VERSION, FIGURES, EVIDENCE_FILES = "mlops.model_version", "mlops.figures", "mlops.evidence"
_LOG = logging.getLogger("mlops.tracking")
# An interrupted run begins again under its id.
_OPEN = (RunStatus.RUNNING, RunStatus.INTERRUPTED, RunStatus.UNKNOWN)
# MLflow refuses a whole batch for one other name, and more than a thousand figures.
_NAME, _MOST = re.compile(r"\w[\w.\- ]{0,249}", re.ASCII), 1000


class RunTracking:
    """Records runs that `submissions` names as untracked; no failure here changes a run."""

    def __init__(
        self,
        workspace: Workspace,
        submissions: Submissions,
        find: Callable[[str], Run | None],
        outputs: RunOutputs,
        now: Callable[[], datetime],
    ) -> None:
        """Take the function that reads a run, None for one that is not submitted, and a clock."""
        self._workspace, self._submissions = workspace, submissions
        self._find, self._outputs, self._now = find, outputs, now
        connection = workspace.connection
        self._web = Web(connection, connection.arm()["credential_scopes"][0])
        self._address = ""
        self._warned: set[str] = set()

    def expect(self, run_id: str) -> None:
        """Store that a run will have to be recorded; call it before the run is submitted."""
        self._submissions.track(Untracked(key=run_id, run_id=run_id, since=self._now()))

    def record_ended(self) -> int:
        """Record the runs that ended since the last call; return the number of recorded entries.

        An entry that cannot be recorded is logged once, retried at the next call, and given up
        after PATIENCE.
        """
        return sum(self._record(entry) for entry in self._submissions.untracked())

    def _record(self, entry: Untracked) -> bool:
        try:
            run = self._find(entry.run_id)
            if run is not None and (entry.tags or run.status not in _OPEN):
                self._log(run, entry)
                self._submissions.tracked(entry.key)
                return True
        except MlopsError as error:
            if entry.key not in self._warned:
                self._warned.add(entry.key)
                _LOG.warning("the tracking has no record of %s: %s", entry.key, error)
        if self._now() - entry.since > PATIENCE:
            # An evaluation whose models did not answer has no run that could be recorded.
            if entry.key in self._warned:
                _LOG.warning("the tracking will have no record of %s", entry.key)
            self._submissions.tracked(entry.key)
        return False

    def _log(self, run: Run, entry: Untracked) -> None:
        # The time of the entry: a call that is repeated writes the same points.
        moment = int(entry.since.timestamp() * 1000)
        body: dict[str, object] = {
            "run_id": run.tags.get(specs.JOB, run.run_id),
            "tags": _pairs(entry.tags or described(run, self._outputs.environment(run.run_id))),
        }
        if not entry.tags:
            body["params"] = _pairs(parameters(run))
            body["metrics"] = [
                {"key": name, "value": value, "timestamp": moment, "step": 0}
                for name, value in figures_of(run, self._compared(run)).items()
            ]
        with translate("record a run", run.run_id):
            self._web.send(
                "POST",
                f"{self._tracking()}/api/2.0/mlflow/runs/log-batch",
                headers={"Content-Type": "application/json"},
                content=json.dumps(body, allow_nan=False).encode(),
            )

    def _compared(self, run: Run) -> dict[str, float]:
        """Return the figures of an evaluation's comparison, {} for any other run."""
        if run.tags.get(specs.KIND) != specs.EVALUATION:
            return {}
        return comparison_figures(self._outputs.comparison_record(run.run_id))

    def _tracking(self) -> str:
        """Return the address of the tracking from the workspace; PlatformError without one."""
        if not self._address:
            s = self._workspace.connection.settings
            workspace = self._workspace.connection.rest(
                "GET",
                f"/subscriptions/{s.subscription_id}/resourceGroups/{s.resource_group}/providers"
                f"/Microsoft.MachineLearningServices/workspaces/{s.workspace}",
                api_version=API,
            )
            address = str(workspace["properties"].get("mlFlowTrackingUri") or "")
            if not address.startswith("azureml://"):
                text = f"The workspace {s.workspace} names no address of its MLflow tracking."
                raise PlatformError("azure", "record a run", text)
            self._address = "https://" + address.removeprefix("azureml://").rstrip("/")
        return self._address


def figures_of(run: Run, compared: Mapping[str, float] | None = None) -> dict[str, float]:
    """Return the figures whose names MLflow accepts, at most a thousand.

    `compared` are those of an evaluation's comparison of two models.
    """
    figures = {**run.metrics, **(compared or {})}
    names = [name for name in sorted(figures) if _NAME.fullmatch(name)]
    return {name: figures[name] for name in names[:_MOST]}


def described(run: Run, environment: RunEnvironment | None = None) -> dict[str, str]:
    """Return the tags of a run, the source of its figures and the paths of its files and log."""
    kind = run.tags.get(specs.KIND, "")
    by = "reported by the training itself" if run.reported else "computed by the platform"
    folder = "mlops.model_folder" if kind == specs.TRAINING else "mlops.reports"
    return {
        **tags(run, environment),
        folder: run.output_uri,
        "mlops.log": specs.log_uri(run.run_id, kind),
        **({FIGURES: by} if run.metrics else {}),
    }


def _pairs(content: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"key": name, "value": value} for name, value in content.items()]
