"""Activities of the training story."""

from dataclasses import replace

from function_app import telemetry
from function_app.domain import data_quality, gates
from function_app.domain.gates import GateResult
from function_app.domain.requests import (
    CheckedDataset,
    DatasetCheck,
    Evaluation,
    EvaluationRequest,
    RunId,
    RunRequest,
)
from function_app.domain.training import ModelVersion, Run, evaluation_id, not_compared
from function_app.errors import ConflictError, ContractError, NotFoundError
from function_app.ports import Ports


def validate_dataset(ports: Ports, check: DatasetCheck) -> CheckedDataset:
    """Keep the data as a version and judge it; what cannot be read is refused, not an error."""
    try:
        if check.uri:
            dataset = ports.datasets.add(check.model, check.uri, check.etag)
        else:
            dataset = ports.datasets.latest(check.model)
        profile = ports.datasets.profile(dataset)
    except (ContractError, NotFoundError, ConflictError) as error:
        refused = GateResult(passed=False, reasons=(error.message,))
        return CheckedDataset(result=refused, changed=isinstance(error, ConflictError))
    try:
        baseline = ports.datasets.baseline(check.model)
    except (ContractError, NotFoundError) as error:
        return CheckedDataset(result=GateResult(passed=False, reasons=(error.message,)))
    result = data_quality.judge(profile, baseline, check.policy)
    # Data that nobody brought is the newest already; accepting it again could undo a newer one.
    if result.passed and check.uri:
        ports.datasets.accept(dataset, check.arrival)
    return CheckedDataset(result=result, dataset=dataset)


def submit_training(ports: Ports, request: RunRequest) -> Run:
    """Start the run, or find the one that an earlier attempt started."""
    tags = telemetry.tags(instance_id=request.instance_id, model=request.dataset.model)
    code = ports.jobs.code(request.dataset.model, request.code_version)
    return ports.jobs.submit(request.run_id, request.dataset, code, tags)


def get_run(ports: Ports, run: RunId) -> Run:
    """Read where the run stands from the platform."""
    return ports.jobs.get(run.run_id)


def cancel_run(ports: Ports, run: RunId) -> Run:
    """Stop the run and return how it ended."""
    ports.jobs.cancel(run.run_id)
    return ports.jobs.get(run.run_id)


def submit_evaluation(ports: Ports, request: EvaluationRequest) -> Run:
    """Let the run's model and what production serves now predict the same rows."""
    run = request.run
    champion, _ = _compared(ports, run.model)
    tags = telemetry.tags(instance_id=request.instance_id, model=run.model)
    return ports.jobs.submit_evaluation(evaluation_id(run.run_id, champion), run, champion, tags)


def evaluate_challenger(ports: Ports, evaluation: Evaluation) -> GateResult:
    """Judge the run's model against the champion, on the same rows."""
    predictions = ports.jobs.predictions(evaluation.evaluation_id)
    result = gates.judge(predictions, evaluation.policy)
    if predictions.champion is not None:
        return result
    _, reason = _compared(ports, ports.jobs.get(evaluation.evaluation_id).model)
    return replace(result, reasons=(*result.reasons, reason)) if reason else result


def _compared(ports: Ports, model: str) -> tuple[ModelVersion | None, str]:
    """Return the version that production serves, or why a challenger is compared with none.

    A served version that somebody deleted must not stop every later training of its model.
    """
    served = ports.production.champion(model)
    if served is None:
        return None, ""
    try:
        return ports.registry.get(served.model, served.version), ""
    except NotFoundError:
        return None, not_compared(served.version)


def register_model(ports: Ports, run: Run) -> ModelVersion:
    """Register the run's model once."""
    return ports.registry.register(run)
