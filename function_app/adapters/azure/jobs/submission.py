"""Azure ML command jobs and components of the app's runs and training steps."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from function_app.adapters.azure.jobs import run_specs as specs
from function_app.adapters.azure.jobs.run_specs import RunSpec
from function_app.adapters.azure.reach.compute_targets import (
    ComputeTarget,
    checks_target,
    judging_target,
    trainings_target,
)
from function_app.domain.change.change import CodeVersion
from function_app.domain.training import attempt_id
from function_app.errors import ConflictError
from function_app.late_imports import importing
from function_app.records.submissions import Submission
from function_app.settings.azure import AzureSettings

if TYPE_CHECKING:
    from azure.ai.ml import ManagedIdentityConfiguration
    from azure.ai.ml.entities import Command, CommandComponent


def record_of(
    run_id: str,
    kind: str,
    model: str,
    dataset_version: str,
    code: CodeVersion | None,
    tags: dict[str, str],
) -> Submission:
    """Return the record of a run before it is submitted."""
    return Submission(
        run_id=run_id,
        kind=kind,
        model=model,
        dataset_version=dataset_version,
        tags=specs.run_tags(kind, model, dataset_version, code, tags),
        # Its authors are stored with the version; a run does not repeat them.
        code=replace(code, authors=()) if code else None,
    )


def foreign_run(run_id: str) -> ConflictError:
    """Return the error about a job of this name that this app did not submit."""
    return ConflictError(
        f"Another person submitted a job named {run_id}, which this app does not use. Send the "
        "data or the commit again, so that the run gets another name.",
        code="FOREIGN_RUN",
    )


def target_of(kind: str, settings: AzureSettings) -> ComputeTarget:
    """Return the compute target of a kind of run."""
    if kind == specs.CHECKS:
        return checks_target(settings)
    return (judging_target if kind in specs.JUDGING else trainings_target)(settings)


def job_of(spec: RunSpec, code_path: str, target: ComputeTarget) -> "Command":
    """Return the command job of a run on its compute target."""
    with importing():
        from azure.ai.ml import Input, Output, command

    inputs: dict[str, Any] = {
        "code": Input(type="uri_file", path=code_path, mode="download"),
        "digest": spec.code.digest,
    }
    for kind, given in (
        ("uri_file", spec.files),
        ("uri_folder", spec.folders),
        ("custom_model", spec.models),
    ):
        inputs |= {name: Input(type=kind, path=p, mode="download") for name, p in given.items()}
    folder = specs.output_uri(spec.run_id, spec.kind)
    log = specs.log_uri(spec.run_id, spec.kind)
    outputs = {
        specs.OUTPUTS[spec.kind]: Output(type="uri_folder", path=folder, mode="upload"),
        # Mounted: the outputs of a failed run are not uploaded, and its log explains the failure.
        specs.LOG: Output(type="uri_folder", path=log, mode="rw_mount"),
    }
    return command(
        name=attempt_id(spec.run_id, spec.attempt),
        display_name=spec.run_id,
        experiment_name=spec.tags[specs.MODEL],
        command=specs.logged(spec.command),
        environment=spec.environment,
        compute=None if target.is_serverless else target.compute,
        inputs=inputs,
        outputs=outputs,
        timeout=int(spec.timeout_seconds),
        tags=spec.tags,
        # Without this the SDK writes the commit of the checkout in which this process runs.
        properties={"mlflow.source.git.commit": spec.code.commit} if spec.code.commit else None,
        identity=_identity(target.identity),
    )


def component_of(
    name: str, label: str, code: CodeVersion, command: str, environment: str
) -> "CommandComponent":
    """Return the training step of a published version of the code, for pipelines of people."""
    with importing():
        from azure.ai.ml import Input, Output
        from azure.ai.ml.entities import CommandComponent

    return CommandComponent(
        name=name,
        version=label,
        display_name=name,
        description=f"Trains {code.model} by the code of commit {code.commit or 'unknown'}.",
        command=command,
        environment=environment,
        inputs={
            "code": Input(type="uri_file", mode="download"),
            "digest": Input(type="string", default=code.version),
            "rows": Input(type="uri_folder", mode="download"),
        },
        outputs={"model": Output(type="uri_folder", mode="upload")},
        tags={
            specs.KIND: "code",
            specs.MODEL: code.model,
            specs.CODE: code.version,
            specs.COMMIT: code.commit,
        },
    )


def _identity(resource_id: str) -> "ManagedIdentityConfiguration | None":
    """Return the identity of a run, None when the compute target has none."""
    if not resource_id:
        return None
    with importing():
        from azure.ai.ml import ManagedIdentityConfiguration

    return ManagedIdentityConfiguration(resource_id=resource_id)
