"""Activities of the reproduction story."""

from function_app import steps, telemetry
from function_app.domain.lineage.reproduction import (
    ReproductionCheck,
    ReproductionEvaluation,
    ReproductionPlan,
    ReproductionRequest,
    ReproductionResult,
    ReproductionRun,
)
from function_app.domain.training import Run, evaluation_id
from function_app.ports import Ports
from function_app.services import lineage


@steps.plan_reproduction.activity
def plan_reproduction(ports: Ports, request: ReproductionRequest) -> ReproductionPlan:
    """Return the recorded inputs of a version, or the reason that one of them is gone."""
    return lineage.plan(ports, request)


@steps.submit_reproduction.activity
def submit_reproduction(ports: Ports, request: ReproductionRun) -> Run:
    """Start the second training, or return the run of an earlier attempt."""
    version, preparation = request.version, request.preparation_id
    tags = telemetry.tags(instance_id=request.instance_id, model=version.model)
    tags["reproduces"] = f"{version.model}:{version.version}"
    return ports.jobs.submit(request.run_id, request.dataset, preparation, request.code, tags)


@steps.evaluate_reproduction.activity
def evaluate_reproduction(ports: Ports, request: ReproductionEvaluation) -> Run:
    """Start the run in which both models predict the same rows."""
    version, run, preparation = request.version, request.run, request.preparation_id
    tags = telemetry.tags(instance_id=request.instance_id, model=version.model)
    run_id = evaluation_id(run.run_id, version)
    return ports.jobs.submit_evaluation(run_id, run, preparation, version, request.policy, tags)


@steps.judge_reproduction.activity
def judge_reproduction(ports: Ports, check: ReproductionCheck) -> ReproductionResult:
    """Compare digests, predictions and environments of a version and its second training."""
    return lineage.compare(ports, check)
