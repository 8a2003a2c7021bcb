"""An evaluation on Azure ML: models predict in runs of their own, then another run judges.

A model's code runs in a container that gets its features and writes its answers. The figures are
computed in a container that gets the targets and never loads a model. All models write in one
storage, so that each run seals its answers with a key that only it and the judge get.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from function_app.adapters.azure.bundles import AzureBundles
from function_app.adapters.azure.jobs import run_specs as specs
from function_app.adapters.azure.jobs.code_versions import OWN, CodeVersions
from function_app.adapters.azure.jobs.run_containers import RunContainers
from function_app.adapters.azure.jobs.run_specs import RunSpec
from function_app.domain.change.change import CodeVersion
from function_app.domain.project import ModelProject
from function_app.domain.training import ModelVersion, Run, RunStatus, ask_id

JOBS = "platform_jobs"
MARGIN = 600.0  # seconds to unpack, to read the rows and to compute the figures
CHALLENGER, CHAMPION = "challenger", "champion"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A model that has to predict: its code, None for this app's own, and the spec of its run.

    `key` seals its answers: hex digits.
    """

    code: CodeVersion | None
    spec: RunSpec
    key: str


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
    ) -> list[Asked]:
        """Return the models that answer for an evaluation, the challenger first."""
        prepared = self._containers.uri(preparation_id, specs.PREPARATION)
        asked = f"{prepared}asked/"
        has_model = bool(self._containers.files(run.run_id, specs.TRAINING))
        folders = {"asked": asked, **({"model": run.output_uri} if has_model else {})}
        models = [self._ask(evaluation, CHALLENGER, run.code, project, folders, {}, has_model)]
        if champion is not None:
            code, folders, given = champion.code, {"asked": asked}, {"model": champion.uri}
            models.append(
                self._ask(
                    evaluation, CHAMPION, code, project, folders, given, True, champion.digest
                )
            )
        return models

    def _ask(
        self,
        evaluation: str,
        name: str,
        code: CodeVersion | None,
        project: ModelProject,
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
                module,
                timeout,
                f"The {name}",
                archive,
                has_model=has_model,
                key=key,
                digest=digest,
            ),
            environment=self._versions.environment(code, module),
            code=self._bundles.store_own(JOBS),
            files={"model_code": self._containers.address(archive.uri)},
            folders=folders,
            models=models,
            timeout_seconds=timeout + MARGIN,
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
        answers = [specs.output_uri(one.spec.run_id, specs.ANSWERS) for one in asked]
        folders = {"held_out": f"{prepared}held_out/", "answers": answers[0]}
        if has_model := "model" in asked[0].spec.folders:
            folders["challenger"] = run.output_uri
        if len(answers) > 1:
            folders["champion_answers"] = answers[1]
        return RunSpec(
            run_id=evaluation,
            kind=specs.EVALUATION,
            command=specs.judge_command(
                words,
                project.model.trusted_types,
                [one.key for one in asked],
                has_model=has_model,
            ),
            environment=self._versions.environment(None, OWN),
            code=self._bundles.store_own(JOBS),
            folders=folders,
            timeout_seconds=project.training_run.timeout_seconds + MARGIN,
            tags=tags,
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
