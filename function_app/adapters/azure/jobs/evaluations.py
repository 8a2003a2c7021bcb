"""An evaluation on Azure ML: models predict in runs of their own, then another run judges.

A model's code runs in a container that gets its features and writes its answers. The figures are
computed in a container that gets the targets and never loads a model. All models write in one
storage, so that each run seals its answers with a key that only it and the judge get.
"""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from function_app.adapters.azure.bundles import AzureBundles
from function_app.adapters.azure.jobs import run_specs as specs
from function_app.adapters.azure.jobs.code_versions import OWN, CodeVersions
from function_app.adapters.azure.jobs.run_containers import RunContainers
from function_app.adapters.azure.jobs.run_specs import RunSpec
from function_app.domain.change.change import CodeVersion
from function_app.domain.codec import load
from function_app.domain.gates import GatePolicy
from function_app.domain.project import ModelProject
from function_app.domain.training import ModelVersion, Run, RunStatus, ask_id
from function_app.records.submissions import Submission

JOBS = "platform_jobs"
MARGIN = 600.0  # seconds to unpack, to read the rows and to compute the figures
CHALLENGER, CHAMPION = "challenger", "champion"
SEEN_HASHES = "seen.hashes"  # an evaluation keeps it: the rows that trained the judged model


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A model that has to predict: its code, None for this app's own, and the spec of its run.

    `key` seals its answers: hex digits. `fold` is the number, counted from 1, of the fold whose
    model the run trains before it predicts; 0 for a model that is trained already.
    """

    code: CodeVersion | None
    spec: RunSpec
    key: str
    fold: int = 0


class Evaluations:
    """Describes the runs of an evaluation; AzureJobs submits them."""

    def __init__(
        self, versions: CodeVersions, bundles: AzureBundles, containers: RunContainers
    ) -> None:
        self._versions, self._bundles, self._containers = versions, bundles, containers

    def asked(
        self,
        evaluation: str,
        run: Run,
        preparation_id: str,
        champion: ModelVersion | None,
        project: ModelProject,
        policy: GatePolicy,
    ) -> list[Asked]:
        """Return the models that answer for an evaluation, the challenger first."""
        prepared = self._containers.uri(preparation_id, specs.PREPARATION)
        count = self._containers.folds(preparation_id)
        asked = self._containers.all_rows(preparation_id, "asked")
        has_model = bool(self._containers.files(run.run_id, specs.TRAINING))
        folders = {"asked": asked, **({"model": run.output_uri} if has_model else {})}
        models = [
            self._ask(evaluation, CHALLENGER, run.code, project, policy, folders, {}, has_model)
        ]
        if champion is not None:
            code, folders, given = champion.code, {"asked": asked}, {"model": champion.uri}
            models.append(
                self._ask(
                    *(evaluation, CHAMPION, code, project, policy, folders, given, True),
                    champion.digest,
                )
            )
        # A training that wrote no model is refused, whatever the models of its folds answer.
        for fold in range(1, count + 1) if count > 1 and has_model else ():
            models.append(self._ask_fold(evaluation, run.code, project, prepared, fold, count))
        return models

    def _ask_fold(
        self,
        evaluation: str,
        code: CodeVersion | None,
        project: ModelProject,
        prepared: str,
        fold: int,
        count: int,
    ) -> Asked:
        module, timeout = project.training, project.training_run.timeout_seconds
        archive, key = self._versions.archive(code, module), secrets.token_hex(32)
        name = f"The challenger trained without fold {fold} of {count}"
        spec = RunSpec(
            run_id=ask_id(evaluation, f"fold-{fold}"),
            kind=specs.ANSWERS,
            command=specs.fold_command(project.program, timeout, name, archive, key),
            environment=self._versions.environment(code, module),
            code=self._bundles.store_own(JOBS),
            files={"model_code": self._containers.address(archive.uri)},
            folders={"rows": f"{prepared}seen/{fold}/", "asked": f"{prepared}asked/{fold}/"},
            timeout_seconds=2 * timeout + MARGIN,
            tags={},
        )
        return Asked(code=code, spec=spec, key=key, fold=fold)

    def _ask(
        self,
        evaluation: str,
        name: str,
        code: CodeVersion | None,
        project: ModelProject,
        policy: GatePolicy,
        folders: dict[str, str],
        models: dict[str, str],
        has_model: bool,
        digest: str = "",
    ) -> Asked:
        module, timeout = project.training, project.training_run.timeout_seconds
        archive, key = self._versions.archive(code, module), secrets.token_hex(32)
        spec = RunSpec(
            run_id=ask_id(evaluation, name),
            kind=specs.ANSWERS,
            command=specs.ask_command(
                project.program,
                timeout,
                f"The {name}",
                archive,
                has_model=has_model,
                key=key,
                digest=digest,
                probes=policy.champion_words() if name == CHAMPION else policy.probe_words(),
            ),
            environment=self._versions.environment(code, module),
            code=self._bundles.store_own(JOBS),
            files={"model_code": self._containers.address(archive.uri)},
            folders=folders,
            models=models,
            timeout_seconds=policy.predict_share() * timeout + MARGIN,
            tags={},
        )
        return Asked(code=code, spec=spec, key=key)

    def judging(
        self,
        evaluation: str,
        run: Run,
        preparation_id: str,
        words: Sequence[str],
        project: ModelProject,
        asked: list[Asked],
        tags: dict[str, str],
    ) -> RunSpec:
        """Return the run that judges the answers, in the environment of this app's own code.

        `words` are the options of the comparison.
        """
        prepared = self._containers.uri(preparation_id, specs.PREPARATION)
        folds = [one for one in asked if one.fold]
        asked = [one for one in asked if not one.fold]
        answers = [specs.output_uri(one.spec.run_id, specs.ANSWERS) for one in asked]
        folders = {"held_out": f"{prepared}held_out/", "answers": answers[0]}
        if has_model := "model" in asked[0].spec.folders:
            folders["challenger"] = run.output_uri
        if len(answers) > 1:
            folders["champion_answers"] = answers[1]
        for one in folds:
            answer = specs.output_uri(one.spec.run_id, specs.ANSWERS)
            folders[specs.fold_input(one.fold)] = answer
        command = specs.judge_command(
            words,
            project.model.trusted_types,
            [one.key for one in asked],
            has_model=has_model,
        )
        return RunSpec(
            run_id=evaluation,
            kind=specs.EVALUATION,
            command=specs.with_folds(command, [one.key for one in folds]),
            environment=self._versions.environment(None, OWN),
            code=self._bundles.store_own(JOBS),
            folders=folders,
            timeout_seconds=project.training_run.timeout_seconds + MARGIN,
            tags=tags,
        )

    def metric_runs(
        self,
        judging: RunSpec,
        run: Run,
        champion: ModelVersion | None,
        project: ModelProject,
        policy: GatePolicy,
    ) -> tuple[list[RunSpec], RunSpec]:
        """Return the runs in which a metric of the model's code is called, and the run that judges.

        The first one writes the pairs of true values and predictions, and the second one calls the
        metric for them. [] for a built-in metric.
        """
        if not policy.own_words():
            return [], judging
        module, timeout = project.training, project.training_run.timeout_seconds
        key, name = secrets.token_hex(32), judging.run_id
        pairs = replace(
            judging,
            run_id=ask_id(name, "pairs"),
            kind=specs.PAIRS,
            command=specs.asking_metric(judging.command),
            tags={},
        )
        code = self._versions.archive(run.code, module)
        other = self._versions.archive(champion.code, module) if champion else None
        asked = f"{specs.output_uri(pairs.run_id, specs.PAIRS)}{specs.ASKED}/"
        archives = {"model_code": code, **({"champion_code": other} if other else {})}
        metric = RunSpec(
            run_id=ask_id(name, "metric"),
            kind=specs.ANSWERS,
            command=specs.metric_command(policy.metric, timeout, code, other, key),
            environment=self._versions.environment(run.code, module),
            code=self._bundles.store_own(JOBS),
            files={n: self._containers.address(one.uri) for n, one in archives.items()},
            folders={"asked": asked},
            timeout_seconds=timeout + MARGIN,
            tags={},
        )
        values = specs.output_uri(metric.run_id, specs.ANSWERS)
        judging = replace(
            judging,
            command=specs.with_values(judging.command, key),
            folders={**judging.folders, "values": values},
        )
        return [pairs, metric], judging

    def remembering(self, judging: RunSpec, champion: ModelVersion | None) -> RunSpec:
        """Return the run that judges, with the hashes of the rows that trained the champion.

        A version of an earlier version of this app has none.
        """
        evaluation = champion.evaluation_id if champion else ""
        if not evaluation or SEEN_HASHES not in self._containers.files(
            evaluation, specs.EVALUATION
        ):
            return judging
        folder = self._containers.uri(evaluation, specs.EVALUATION)
        return replace(
            judging,
            command=specs.remembering(judging.command),
            folders={**judging.folders, "champion_evaluation": folder},
        )


def next_run(
    pending: Mapping[str, object], find: Callable[[str], Run | None]
) -> tuple[RunSpec | None, RunStatus, str]:
    """Return the run that an evaluation submits after its models have answered.

    None while the run before it has not completed, with the status of the evaluation and the
    detail. `pending` is the stored record of the evaluation.
    """
    for spec in load(list[RunSpec], pending.get("later", [])):
        run = find(spec.run_id)
        if run is None:
            return spec, RunStatus.RUNNING, ""
        status, detail = unanswered([run])
        if status is not RunStatus.COMPLETED:
            return None, status, detail
    return load(RunSpec, pending["spec"]), RunStatus.RUNNING, ""


def awaiting(submitted: Submission, status: RunStatus, detail: str) -> Run:
    """Return an evaluation whose own run is not submitted yet."""
    return Run(
        run_id=submitted.run_id,
        model=submitted.model,
        status=status,
        dataset_version=submitted.dataset_version,
        output_uri=specs.output_uri(submitted.run_id, specs.EVALUATION),
        detail=detail,
        tags=dict(submitted.tags),
        code=submitted.code,
    )


# The first of these statuses that a run has is that of the evaluation.
_UNANSWERED = (
    RunStatus.FAILED,
    RunStatus.TIMED_OUT,
    RunStatus.CANCELLED,
    RunStatus.INTERRUPTED,
)


def unanswered(asks: list[Run]) -> tuple[RunStatus, str]:
    """Return the state of an evaluation whose models predict; COMPLETED when all have ended.

    The detail names the run that failed, because its log has the reason.
    """
    for status in _UNANSWERED:
        for ask in asks:
            if ask.status is status:
                return status, f"Its run {ask.run_id} is {status}. {ask.detail}".strip()
    if all(ask.status is RunStatus.COMPLETED for ask in asks):
        return RunStatus.COMPLETED, ""
    return RunStatus.RUNNING, ""
