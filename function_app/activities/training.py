"""Activities of the training story."""

from function_app.domain import data_quality, gates
from function_app.domain.gates import GateResult
from function_app.domain.requests import (
    CheckedDataset,
    DatasetCheck,
    Evaluation,
    RunId,
    RunRequest,
)
from function_app.domain.training import ModelVersion, Run
from function_app.errors import ContractError, NotFoundError
from function_app.ports import Ports


def validate_dataset(ports: Ports, check: DatasetCheck) -> CheckedDataset:
    """Keep the data as a version and judge it; what cannot be read is refused, not an error."""
    try:
        dataset = ports.datasets.add(check.model, check.uri)
        profile = ports.datasets.profile(dataset)
    except (ContractError, NotFoundError) as error:
        return CheckedDataset(result=GateResult(passed=False, reasons=(error.message,)))
    baseline = ports.datasets.baseline(check.model)
    result = data_quality.judge(profile, baseline, check.policy)
    return CheckedDataset(result=result, dataset=dataset)


def submit_training(ports: Ports, request: RunRequest) -> Run:
    """Start the run, or find the one that an earlier attempt started."""
    tags = {"instance_id": request.instance_id, "model": request.dataset.model}
    return ports.jobs.submit(request.run_id, request.dataset, tags)


def get_run(ports: Ports, run: RunId) -> Run:
    """Read where the run stands from the platform."""
    return ports.jobs.get(run.run_id)


def cancel_run(ports: Ports, run: RunId) -> Run:
    """Stop the run and return how it ended."""
    ports.jobs.cancel(run.run_id)
    return ports.jobs.get(run.run_id)


def evaluate_challenger(ports: Ports, evaluation: Evaluation) -> GateResult:
    """Judge the run's model against what production serves now, on the same rows."""
    served = ports.production.champion(evaluation.run.model)
    champion = ports.registry.get(served.model, served.version) if served else None
    return gates.judge(ports.jobs.predict(evaluation.run, champion), evaluation.policy)


def register_model(ports: Ports, run: Run) -> ModelVersion:
    """Register the run's model once."""
    return ports.registry.register(run)
