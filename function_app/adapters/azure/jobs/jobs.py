"""Runs on Azure ML: command jobs whose names are our run ids, so that a repeat finds the first."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from function_app.adapters.azure.bundles import AzureBundles
from function_app.adapters.azure.jobs import run_specs as specs
from function_app.adapters.azure.jobs.check_inputs import CheckInputs
from function_app.adapters.azure.jobs.code_versions import CodeVersions
from function_app.adapters.azure.jobs.environments import CHECK_TOOLS, Environments
from function_app.adapters.azure.jobs.evaluations import (
    JOBS,
    Evaluations,
    awaiting,
    next_run,
    unanswered,
)
from function_app.adapters.azure.jobs.references import ReferenceRecords
from function_app.adapters.azure.jobs.run_containers import RunContainers
from function_app.adapters.azure.jobs.run_outputs import RunOutputs
from function_app.adapters.azure.jobs.run_specs import RunSpec
from function_app.adapters.azure.jobs.run_views import read_run
from function_app.adapters.azure.jobs.submission import foreign_run, job_of, record_of, target_of
from function_app.adapters.azure.jobs.tracking import TRACKED, RunTracking
from function_app.adapters.azure.reach.blobs import Blobs
from function_app.adapters.azure.reach.connection import begin, translate
from function_app.adapters.azure.reach.workspace import Workspace
from function_app.adapters.clock import SystemClock
from function_app.domain.change.change import Bundle, CheckPlan, CheckReport, CodeVersion, published
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
    Run,
    RunStatus,
    Split,
    attempt_id,
    is_run_id,
    run_of_attempt,
    unknown_run,
)
from function_app.errors import NotFoundError
from function_app.ports.rows import Rows
from function_app.records.submissions import Submission, Submissions

if TYPE_CHECKING:
    from azure.ai.ml.entities import Job

CHECKS_MARGIN = 600.0  # to unpack and to write the reports
SKEW = timedelta(hours=1)  # of Azure ML's clock, and how long a submission may take


class AzureJobs:
    """Submits and polls runs; no method waits for the end of a run."""

    def __init__(
        self,
        workspace: Workspace,
        blobs: Blobs,
        bundles: AzureBundles,
        environments: Environments,
        projects: Mapping[str, ModelProject],
        rows: Rows,
        now: Callable[[], datetime] | None = None,
    ) -> None:
        self._now = now or SystemClock().now
        self._workspace, self._blobs, self._bundles = workspace, blobs, bundles
        self._submissions = Submissions(rows)
        self._versions, self._projects = CodeVersions(workspace, bundles, environments), projects
        connection = workspace.connection
        self._settings = s = connection.settings
        self._containers = containers = RunContainers(blobs)
        self._outputs = outputs = RunOutputs(blobs, containers)
        self._tracking = RunTracking(workspace, self._submissions, self._find, outputs, self._now)
        self._evaluations = Evaluations(self._versions, bundles, containers)
        self._references = ReferenceRecords(blobs).adopt
        self._check_inputs = CheckInputs(bundles, Blobs(connection, s.checks_inputs_container))

    def publish(self, model: str, bundle: Bundle) -> CodeVersion:
        version = published(model, bundle, self._bundles.known(model, bundle.digest))
        self._versions.publish(version, self._project(model).program)
        return version

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
        name, version = dataset.model, dataset.version
        given, earlier = self._begin(run_id, specs.PREPARATION, name, version, None, tags)
        if earlier is not None:
            return earlier
        project = self._project(dataset.model)
        inputs = {"rows": dataset} | ({"reference": reference} if reference else {})
        spec = RunSpec(
            run_id=run_id,
            kind=specs.PREPARATION,
            command=specs.prepare_command(target, dataset, project.data, reference, split),
            environment=self._versions.environment(None, project.training),
            code=self._bundles.store_own(JOBS),
            files={name: self._containers.address(one.uri) for name, one in inputs.items()},
            timeout_seconds=project.training_run.timeout_seconds,
            tags=given.tags,
        )
        return self._submit(spec)

    def is_submitted(self, run_id: str) -> bool:
        """Return whether a run was submitted; False too when there is no workspace yet."""
        return self._find(run_id) is not None

    def submit_sample(self, run_id: str, model: str) -> Run:
        """Start the run in which the model's own code writes its sample data, or return it."""
        given, earlier = self._begin(run_id, specs.SAMPLE, model, "", None, {})
        if earlier is not None:
            return earlier
        project = self._project(model)
        code = self._versions.archive(None, project.training)
        spec = RunSpec(
            run_id=run_id,
            kind=specs.SAMPLE,
            command=specs.sample_command(project.program, code),
            environment=self._versions.environment(None, project.training),
            code=self._bundles.store_own(JOBS),
            files={"model_code": self._containers.address(code.uri)},
            timeout_seconds=project.training_run.timeout_seconds,
            tags=given.tags,
        )
        return self._submit(spec)

    def submit(
        self,
        run_id: str,
        dataset: Dataset,
        preparation_id: str,
        code: CodeVersion | None,
        tags: dict[str, str],
    ) -> Run:
        name, version = dataset.model, dataset.version
        given, earlier = self._begin(run_id, specs.TRAINING, name, version, code, tags)
        if earlier is not None:
            return earlier
        code, project = given.code, self._project(dataset.model)
        recorder = self._bundles.store_own(JOBS)
        spec = RunSpec(
            run_id=run_id,
            kind=specs.TRAINING,
            command=self._versions.train_command(code, project.program, recorder),
            environment=self._versions.environment(code, project.training),
            code=self._versions.archive(code, project.training),
            files={"platform_code": self._containers.address(recorder.uri)},
            folders={"rows": self._containers.all_rows(preparation_id, "seen")},
            timeout_seconds=project.training_run.timeout_seconds,
            tags=given.tags,
        )
        return self._submit(spec)

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
        name, version = run.model, run.dataset_version
        given, earlier = self._begin(run_id, specs.EVALUATION, name, version, run.code, tags)
        if earlier is not None:
            return earlier
        project, evaluations = self._project(run.model), self._evaluations
        asked = evaluations.asked(run_id, run, preparation_id, champion, project, policy)
        words = (*policy.comparison_words(look), *policy.probe_words())
        spec = evaluations.judging(run_id, run, preparation_id, words, project, asked, given.tags)
        spec = evaluations.remembering(spec, champion)
        later, spec = evaluations.metric_runs(spec, run, champion, project, policy)
        # An ask that is submitted again takes the stored key, which the judge has, too.
        asks = [dump(one.spec) for one in asked]
        pending = {"spec": dump(spec), "asked": [one.spec.run_id for one in asked], "asks": asks}
        self._submissions.store_spec(run_id, {**pending, "later": [dump(one) for one in later]})
        stored = self._submissions.spec(run_id) or pending
        for one, ask in zip(asked, load(list[RunSpec], stored.get("asks", asks)), strict=True):
            own, earlier = self._begin(ask.run_id, specs.ANSWERS, name, version, one.code, tags)
            if earlier is None:
                self._submit(replace(ask, tags=own.tags))
        for spec in load(list[RunSpec], stored.get("later", [])):
            if (begun := self._find(spec.run_id)) and begun.status is RunStatus.INTERRUPTED:
                self._submit_later(spec, given)
        return self.get(run_id)

    def _submit_later(self, spec: RunSpec, evaluation: Submission) -> None:
        """Submit a run of an evaluation that follows those in which models predict."""
        name, version = evaluation.model, evaluation.dataset_version
        code, tags = evaluation.code, evaluation.tags
        own, earlier = self._begin(spec.run_id, spec.kind, name, version, code, tags)
        if earlier is None:
            self._submit(replace(spec, tags=own.tags))

    def submit_checks(
        self, run_id: str, model: str, bundle: Bundle, plan: CheckPlan, tags: dict[str, str]
    ) -> Run:
        code = published(model, bundle, None)
        given, earlier = self._begin(run_id, specs.CHECKS, model, "", code, tags)
        if earlier is not None:
            return earlier
        reference = self._references(model) if plan.dry_run else None
        data = self._blobs.name_of(reference.dataset.uri) if reference else None
        inputs = self._check_inputs.give(
            run_id, bundle, plan, self._blobs.read(data) if data else None
        )
        spec = RunSpec(
            run_id=run_id,
            kind=specs.CHECKS,
            command=specs.checks_command(has_data="data" in inputs),
            environment=self._versions.environment(code, plan.training, *CHECK_TOOLS),
            code=replace(bundle, uri=inputs.pop("code")),
            files=inputs,
            timeout_seconds=plan.timeout_seconds + CHECKS_MARGIN,
            tags=given.tags,
        )
        return self._submit(spec)

    def get(self, run_id: str) -> Run:
        run = self._stored_run(run_id)
        if run is None:
            # A workspace that is gone answers like a run that is.
            self._workspace.confirm()
        return run or unknown_run(run_id, "Azure ML has no such run.")

    def cancel(self, run_id: str, reason: str = "") -> None:
        if self.get(run_id).status not in (RunStatus.RUNNING, RunStatus.INTERRUPTED):
            return
        # The reason is stored first, so that a concurrent reader sees why the run ends.
        self._outputs.store_stop(run_id, reason)
        later = load(list[RunSpec], (self._submissions.spec(run_id) or {}).get("later", []))
        for ask in (*self._asked(run_id), *(spec.run_id for spec in later)):
            self.cancel(ask, reason)
        if self._find(run_id) is not None:
            self._cancel(run_id)

    def record_ended(self) -> int:
        return self._tracking.record_ended()

    def list_runs(self, since: datetime) -> tuple[Run, ...]:
        newest: dict[str, tuple[int, Run]] = {}
        weeks, seen = specs.week_tags(since - SKEW, self._now() + SKEW), set[str]()
        for week in weeks:
            with translate("list the runs", self._settings.workspace):
                for job in self._workspace.client.jobs.list(tag=week):
                    if job is None or week not in (job.tags or {}):
                        continue
                    created = job.creation_context.created_at if job.creation_context else None
                    run_id, attempt = run_of_attempt(str(job.name))
                    seen.add(run_id)
                    known, _ = newest.get(run_id, (0, None))
                    if (created is None or created >= since) and attempt > known:
                        newest[run_id] = attempt, self._read(job)
        # Code in a job may have deleted the tag by which Azure ML lists it.
        hidden = self._submissions.of_weeks(weeks) - seen
        newest |= {run_id: (0, run) for run_id in hidden if (run := self._stored_run(run_id))}
        return tuple(newest[run_id][1] for run_id in sorted(newest))

    def prepared(self, run_id: str) -> Prepared:
        return self._outputs.prepared(run_id)

    def judged(self, run_id: str) -> Judged:
        return self._outputs.judged(run_id)

    def comparison(self, run_id: str) -> Comparison:
        return self._outputs.comparison(run_id)

    def environment(self, run_id: str) -> RunEnvironment | None:
        return self._outputs.environment(run_id) if is_run_id(run_id) else None

    def checks(self, run_id: str) -> CheckReport:
        return self._outputs.checks(run_id)

    def report(self, run_id: str, name: str) -> bytes:
        if not is_run_id(run_id):
            raise NotFoundError(f"Azure ML has no run {run_id[:80]!r}. GET /api/status lists runs.")
        return self._outputs.report(run_id, name)

    def log(self, run_id: str, most: int) -> bytes:
        run = self.get(run_id)
        if run.status is RunStatus.UNKNOWN:
            raise NotFoundError(f"Azure ML has no run {run_id[:80]!r}. GET /api/status lists runs.")
        return self._outputs.log(run_id, run.tags.get(specs.KIND, ""), most)

    def _begin(
        self,
        run_id: str,
        kind: str,
        model: str,
        dataset_version: str,
        code: CodeVersion | None,
        tags: dict[str, str],
    ) -> tuple[Submission, Run | None]:
        """Return the stored submission of this id, and its run unless an attempt must be started.

        ConflictError when the workspace has a job of this name that this app did not submit.
        """
        earlier, stored = self._find(run_id), self._submissions.find(run_id)
        if earlier is not None and stored is None:
            raise foreign_run(run_id)
        submission = record_of(run_id, kind, model, dataset_version, code, tags)
        if stored is None and kind in TRACKED:
            self._tracking.expect(run_id)
        submission, _ = self._submissions.claim(submission, specs.week_tag(self._now()))
        if earlier is None or earlier.status is not RunStatus.INTERRUPTED:
            return submission, earlier
        # A node that answers again must not write beside the next attempt.
        self._cancel(run_id)
        self._outputs.store_attempt(run_id, self._outputs.attempt(run_id) + 1)
        return submission, None

    def _stored_run(self, run_id: str) -> Run | None:
        return self._find(run_id) or self._awaiting(run_id)

    def _asked(self, run_id: str) -> list[str]:
        """Return the runs in which models predict for an evaluation, [] for any other run."""
        pending = self._submissions.spec(run_id) or {}
        return load(list[str], pending.get("asked", []))

    def _awaiting(self, run_id: str) -> Run | None:
        """Return an evaluation whose models still predict; submit its next run once all have ended.

        None when the run is no such evaluation.
        """
        submitted, asked = self._submissions.find(run_id), self._asked(run_id)
        asks = [ask for name in asked if (ask := self._find(name))]
        if submitted is None or not asked or len(asks) < len(asked):
            return None
        status, detail = unanswered(asks)
        if status is RunStatus.COMPLETED:
            if stop := self._outputs.stop_of(run_id):
                return awaiting(submitted, *stop)
            spec, status, detail = next_run(self._submissions.spec(run_id) or {}, self._find)
            if spec is not None and spec.run_id == run_id:
                return self._submit(spec)
            if spec is not None:
                self._submit_later(spec, submitted)
        return awaiting(submitted, status, detail)

    def _submit(self, spec: RunSpec) -> Run:
        week = {specs.week_tag(self._now()): spec.kind}
        attempt = self._outputs.attempt(spec.run_id)
        spec = replace(spec, tags={**spec.tags, **week}, attempt=attempt)
        job = job_of(
            spec, self._containers.address(spec.code.uri), target_of(spec.kind, self._settings)
        )
        with translate("submit a run", spec.run_id):
            made = self._workspace.client.jobs.create_or_update(job)
        return self._read(made)

    def _cancel(self, run_id: str) -> None:
        job = attempt_id(run_id, self._outputs.attempt(run_id))
        with begin("cancel a run", job):
            # Its poller is left alone: nodes may take minutes to stop.
            self._workspace.client.jobs.begin_cancel(job, polling=False)

    def _find(self, run_id: str) -> Run | None:
        if not is_run_id(run_id):
            return None
        job_name = attempt_id(run_id, self._outputs.attempt(run_id))
        try:
            with translate("read a run", job_name):
                job = self._workspace.client.jobs.get(job_name)
        except NotFoundError:
            return None
        return self._read(job)

    def _read(self, job: "Job") -> Run:
        code_uri = self._bundles.url((job.tags or {}).get(specs.CODE, ""))
        stop = self._outputs.stop_of(run_of_attempt(str(job.name))[0])
        submitted = self._submissions.find(run_of_attempt(str(job.name))[0])
        run = read_run(job, stop=stop, code_uri=code_uri, submitted=submitted)
        kind = run.tags.get(specs.KIND, "")
        if run.status is RunStatus.COMPLETED and kind in (specs.TRAINING, specs.EVALUATION):
            figures = self._outputs.metrics(run.run_id, kind)
            uri = self._containers.uri(run.run_id, kind)
            return replace(run, output_uri=uri, metrics=figures, reported=kind == specs.TRAINING)
        return run

    def _project(self, model: str) -> ModelProject:
        return project_of(self._projects, model)
