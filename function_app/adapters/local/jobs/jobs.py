"""Runs on this machine: one process each, with a folder that has the run's result."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from function_app.adapters.local.bundles import LocalBundles
from function_app.adapters.local.jobs.run_environment import (
    recorded_environment,
    recorder_words,
)
from function_app.adapters.local.jobs.run_records import RunRecords
from function_app.adapters.local.jobs.run_reports import EVALUATION, PREPARED, read_report
from function_app.adapters.local.jobs.run_state import may_start, read_state, write_cancel
from function_app.adapters.local.reach.containment import Access, Containment
from function_app.adapters.local.reach.environ import plain_environ
from function_app.adapters.local.reach.files import (
    read_json,
    read_object,
    read_tail,
    write_json,
)
from function_app.adapters.local.reach.processes import Processes
from function_app.adapters.local.reach.warm_parent import WarmParent
from function_app.adapters.run_facts import read_comparison, read_judged
from function_app.addresses import below
from function_app.domain.change.change import Bundle, CheckPlan, CheckReport, CodeVersion
from function_app.domain.codec import dump, load
from function_app.domain.data_quality import Prepared
from function_app.domain.gates import Comparison, GatePolicy
from function_app.domain.lineage.environment import RunEnvironment
from function_app.domain.project import ModelProject, project_of
from function_app.domain.training import (
    ONE,
    Dataset,
    Judged,
    ModelVersion,
    Reference,
    Run,
    RunStatus,
    Split,
    finite_figures,
    is_run_id,
    unknown_run,
)
from function_app.errors import ContractError, NotFoundError
from sandbox.forkserver import SharedForkServer, can_fork

PREDICTIONS = "predictions.json"
# Runs `main(FOLDER)` for the folder of one run.
WATCHER = "function_app.adapters.local.jobs.run_job"
ALL = "all"
JOBS = ("python", "-m", "platform_jobs")
# Imported once for all runs; skops lists its types by those of scikit-learn, which it imports.
LIBRARIES = ("skops.io", "scipy.stats")
EVALUATION_MARGIN = 60.0
# The checks end by their own time limit; this is for the making of their surroundings.
CHECKS_MARGIN = 60.0


class LocalJobs:
    """Starts each run under a watcher that writes the result and publishes it."""

    def __init__(
        self,
        state: Path,
        root: Path,
        processes: Processes,
        projects: Mapping[str, ModelProject],
        topic: tuple[str, str],
        bundles: LocalBundles,
        reference: Callable[[str], Reference | None],
        containment: Containment | None = None,
        forks: SharedForkServer | None = None,
        watchers: WarmParent | None = None,
    ) -> None:
        """Take the folders of state and app; `containment` is by default the strictest here.

        `forks` imports libraries once for all runs; without it each run imports its own. `watchers`
        forks the watcher of each run; without it each one is a Python of its own.
        """
        self._watchers = watchers
        self._forks = forks
        self._containment = containment or Containment(state=state, root=root)
        self._state, self._root, self._processes = state, root, processes
        self._runs, self._projects, self._topic = state / "runs", projects, topic
        self._bundles, self._reference = bundles, reference
        self._records = RunRecords(state, self.get)

    def publish(self, model: str, bundle: Bundle) -> CodeVersion:
        return self._bundles.publish(model, bundle)

    def code(self, model: str, version: str = "") -> CodeVersion | None:
        return self._bundles.find(model, version)

    def submit_preparation(
        self,
        run_id: str,
        dataset: Dataset,
        target: str,
        tags: dict[str, str],
        reference: Dataset | None = None,
        split: Split = ONE,
    ) -> Run:
        command = [*JOBS, "prepare", "--data", dataset.uri, "--target", target]
        command += ["--folds", str(split.folds)]
        command += ["--group", split.group] if split.group else []
        command += ["--digest", dataset.version]
        command += ["--key", dataset.model, "--out", str(self._folder(run_id) / PREPARED)]
        project = self._project(dataset.model)
        command += (*project.data.column_words(), *project.data.word_options())
        readable = [dataset.uri]
        if reference is not None:
            readable.append(reference.uri)
            command += ["--reference", reference.uri, "--reference-digest", reference.version]
        timeout = project.training_run.timeout_seconds
        out = self._runs / run_id / PREPARED
        access = Access(readable=tuple(readable), writable=(str(out),))
        self._start(run_id, dataset, None, command, timeout, tags, access, forks=self._server())
        return self.get(run_id)

    def prepared(self, run_id: str) -> Prepared:
        return load(Prepared, self._written(run_id, f"{PREPARED}/prepared.json"))

    def submit(
        self,
        run_id: str,
        dataset: Dataset,
        preparation_id: str,
        code: CodeVersion | None,
        tags: dict[str, str],
    ) -> Run:
        project, out = self._project(dataset.model), self._folder(run_id) / "model"
        seen, program, folder = self._seen(preparation_id), project.program, self._code(code)
        command = [*program.start, "train", "--data", str(seen), "--out", str(out)]
        timeout = project.training_run.timeout_seconds
        # The held-out rows lie beside the seen ones; a training must not see them.
        access = self._containment.training([seen, folder], out)
        recorder = recorder_words(self._root, seen, program, own=code is None)
        self._start(
            run_id,
            dataset,
            code,
            command,
            timeout,
            tags,
            access,
            folder / program.folder,
            recorder,
            forks=self._server(),
        )
        return self.get(run_id)

    def environment(self, run_id: str) -> RunEnvironment | None:
        return recorded_environment(self._folder(run_id)) if is_run_id(run_id) else None

    def submit_evaluation(
        self,
        run_id: str,
        run: Run,
        preparation_id: str,
        champion: ModelVersion | None,
        policy: GatePolicy,
        tags: dict[str, str],
        look: int = 0,
    ) -> Run:
        project, folder = self._project(run.model), self._folder(run_id)
        timeout, seen = project.training_run.timeout_seconds, self._seen(preparation_id)
        held_out = self._folder(preparation_id) / PREPARED / "held_out"
        command = [*JOBS, "evaluate", *project.program.options(), "--timeout", str(timeout)]
        command += ["--held-out", str(held_out), "--out", str(folder / EVALUATION)]
        command += (*policy.comparison_words(look), *policy.probe_words())
        for name in project.model.trusted_types:
            command += ["--trusted-type", name]
        command += ["--challenger", run.output_uri, "--challenger-code", str(self._code(run.code))]
        if champion is not None:
            command += ["--champion", champion.uri]
            command += ["--champion-code", str(self._code(champion.code))]
            command += ["--champion-digest", champion.digest]
            # It has the hashes of the rows that the champion was trained on.
            command += ["--champion-evaluation", str(Path(champion.uri).parent / EVALUATION)]
        dataset = Dataset(model=run.model, version=run.dataset_version, uri="")
        if seen.name == ALL:
            command += ["--seen", str(seen.parent)]
        limit = policy.evaluation_share() * timeout + EVALUATION_MARGIN
        self._containment.check(f"start run {run_id}")
        command += self._containment.predict_words()
        forks = self._server()
        command += ["--forks", str(forks.path)] if forks else []
        self._start(run_id, dataset, run.code, command, limit, tags, None, forks=forks)
        return self.get(run_id)

    def submit_checks(
        self, run_id: str, model: str, bundle: Bundle, plan: CheckPlan, tags: dict[str, str]
    ) -> Run:
        folder = self._folder(run_id)
        write_json(folder / "plan.json", dump(plan))
        command = ["python", "-m", "checks", "--code", str(self._bundles.unpack(bundle.digest))]
        command += ["--plan", str(folder / "plan.json"), "--out", str(folder / "reports")]
        # Neither this app's keys and tokens nor its own settings are the code's to see.
        command += ["--hide", str(self._state), "--hide", str(self._root)]
        # A dry run belongs to a pull request, whose code has not been accepted by anybody.
        if plan.dry_run:
            command += ["--min-isolation", self._containment.isolation.checks.min_isolation]
        reference = self._reference(model) if plan.dry_run else None
        if reference is not None:
            command += ["--data", reference.dataset.uri]
        dataset = Dataset(model=model, version="", uri="")
        # The checks make their own sandboxes, and need access to the files for them.
        limit = plan.timeout_seconds + CHECKS_MARGIN
        self._start(run_id, dataset, None, command, limit, tags, None)
        return self.get(run_id)

    def checks(self, run_id: str) -> CheckReport:
        content = read_json(self._folder(run_id) / "reports" / "checks.json")
        if content is None:
            raise NotFoundError(f"Run {run_id} wrote no report of checks. Read its log.")
        return load(CheckReport, content)

    def report(self, run_id: str, name: str) -> bytes:
        return read_report(self._runs, run_id, name)

    def log(self, run_id: str, most: int) -> bytes:
        if self.get(run_id).status is RunStatus.UNKNOWN:
            text = f"This machine has no run {run_id[:80]!r}. GET /api/status lists runs."
            raise NotFoundError(text)
        return read_tail(self._folder(run_id) / "run.log", most)

    def judged(self, run_id: str) -> Judged:
        return read_judged(run_id, lambda name: self._written(run_id, f"{EVALUATION}/{name}"))

    def comparison(self, run_id: str) -> Comparison:
        return read_comparison(run_id, lambda name: self._written(run_id, f"{EVALUATION}/{name}"))

    def _server(self) -> SharedForkServer | None:
        """Return the running fork server; None where commands cannot be forked."""
        if self._forks is None or not can_fork(self._containment.level):
            return None
        return self._forks if self._forks.start() else None

    def _written(self, run_id: str, name: str) -> Any:
        content = read_object(self._folder(run_id) / name)
        if not content:
            raise NotFoundError(f"Run {run_id} has no readable {name}. Read its log.")
        return content

    def _seen(self, preparation_id: str) -> Path:
        """Return the folder with the rows of a training; with folds it has the name ALL."""
        seen = self._folder(preparation_id) / PREPARED / "seen"
        return seen / ALL if (seen / ALL).is_dir() else seen

    def _code(self, code: CodeVersion | None) -> Path:
        """Return the folder with a version's code; without a version, with this app's own."""
        return self._bundles.unpack(code.version) if code else self._root

    def _project(self, model: str) -> ModelProject:
        return project_of(self._projects, model)

    def _folder(self, run_id: str) -> Path:
        return below(self._runs, run_id)

    def get(self, run_id: str) -> Run:
        # An id of an event may be any text; a path must not lead out of the folder of runs.
        run = None
        if is_run_id(run_id):
            folder = self._folder(run_id)
            running = self._processes.find(f"run-{run_id}") is not None
            # Read after the process: one that ended in between has left its result.
            run = read_run(folder, running=running)
            tail = self._processes.log_tail(f"run-{run_id}")
            if run is not None and run.status is RunStatus.INTERRUPTED and tail:
                run = replace(run, detail=f"{run.detail} Its watcher's log ends: {tail}")
        if run is None:
            return unknown_run(run_id, "This machine has no such run.")
        return run

    def cancel(self, run_id: str, reason: str = "") -> None:
        folder = self._folder(run_id)
        if folder.exists():
            write_cancel(folder, reason)
        self._processes.stop(f"run-{run_id}")

    def record_ended(self) -> int:
        return self._records.record_ended()

    def list_runs(self, since: datetime) -> tuple[Run, ...]:
        # A folder may be foreign, half-written, or deleted during this read.
        recent = [f for f in self._runs.glob("*") if _changed(f) >= since.timestamp()]
        runs = (self.get(folder.name) for folder in sorted(recent))
        return tuple(run for run in runs if run.status is not RunStatus.UNKNOWN)

    def _start(
        self,
        run_id: str,
        dataset: Dataset,
        code: CodeVersion | None,
        command: list[str],
        timeout: float,
        tags: dict[str, str],
        access: Access | None,
        folder_of_command: Path | None = None,
        recorder: list[str] | None = None,
        forks: SharedForkServer | None = None,
    ) -> None:
        folder = self._folder(run_id)
        if not may_start(folder):
            return
        if access is not None:
            self._containment.check(f"start run {run_id}")
        request = {
            "run_id": run_id,
            "dataset": dump(dataset),
            "code": dump(code),
            "tags": tags,
            "command": command,
            "folder": str(folder_of_command or self._root),
            "timeout_seconds": timeout,
            "sandbox": access and self._containment.record(access),
            "recorder": recorder,
            "forks": forks and str(forks.path),
        }
        write_json(folder / "request.json", request)
        name = f"run-{run_id}"
        if self._watchers is not None and self._processes.fork(name, self._watchers, folder):
            return
        self._processes.start(
            name,
            [sys.executable, "-m", WATCHER, str(folder)],
            cwd=self._root,
            environ=watcher_environ(*self._topic),
            port=0,
        )


def watcher_environ(endpoint: str, key: str) -> dict[str, str]:
    """Return the environment of a watcher, which publishes to a topic."""
    return {**plain_environ(), "MLOPS_TOPIC_ENDPOINT": endpoint, "MLOPS_TOPIC_KEY": key}


def read_run(folder: Path, *, running: bool = False) -> Run | None:
    """Return the run of a folder; None when the folder holds no run of this app."""
    request = _request(folder)
    if request is None:
        return None
    status, detail = read_state(folder, running=running)
    dataset, code, tags = request
    figures, reported = _figures(folder)
    return Run(
        run_id=folder.name,
        model=dataset.model,
        status=status,
        dataset_version=dataset.version,
        output_uri=str(folder / "model"),
        detail=detail,
        metrics=figures,
        reported=reported,
        tags=tags,
        code=code,
    )


def _request(folder: Path) -> tuple[Dataset, CodeVersion | None, dict[str, str]] | None:
    """Return a run's data, code and tags; None when the folder holds no run of this app."""
    content = read_object(folder / "request.json")
    try:
        dataset = load(Dataset, content.get("dataset"))
        code = load(CodeVersion, content["code"]) if content.get("code") else None
        return dataset, code, load(dict[str, str], content.get("tags"))
    except ContractError:
        return None


def _changed(path: Path) -> float:
    """Return when a file or folder changed last, in seconds of the epoch; 0 when it is gone."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _figures(folder: Path) -> tuple[dict[str, float], bool]:
    """Return the figures of a run, and whether a training reported them itself."""
    for name, reported in ((EVALUATION, False), ("model", True)):
        if content := read_object(folder / name / "metrics.json"):
            return finite_figures(content), reported
    return {}, False
