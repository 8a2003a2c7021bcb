"""Comparisons of a challenger with the champion: their start, and the verdict."""

from dataclasses import replace

from function_app import telemetry
from function_app.domain import gates
from function_app.domain.gates import GateResult
from function_app.domain.requests import Evaluation, EvaluationRequest
from function_app.domain.training import ModelVersion, Run, evaluation_id, not_compared
from function_app.errors import NotFoundError
from function_app.ports import Ports
from function_app.records.ledger import looks


def submit(ports: Ports, request: EvaluationRequest) -> Run:
    """Start the run in which the challenger and the champion predict the same rows, or return it.

    The comparison is counted first, so that its level is spent before anybody sees a figure.
    """
    run, preparation, policy = request.run, request.preparation_id, request.policy
    champion, _ = _compared(ports, run.model)
    tags = telemetry.tags(instance_id=request.instance_id, model=run.model)
    run_id = evaluation_id(run.run_id, champion)
    look = looks.count(ports.rows, run.model, run_id) if champion else 0
    return ports.jobs.submit_evaluation(run_id, run, preparation, champion, policy, tags, look)


def judge(ports: Ports, evaluation: Evaluation) -> GateResult:
    """Return the verdict on the run's model against the champion, on the same rows."""
    comparison = ports.jobs.comparison(evaluation.evaluation_id)
    result = gates.judge(comparison, evaluation.policy)
    if comparison.champion_loss is not None:
        return result
    _, reason = _compared(ports, ports.jobs.get(evaluation.evaluation_id).model)
    return replace(result, reasons=(*result.reasons, reason)) if reason else result


def _compared(ports: Ports, model: str) -> tuple[ModelVersion | None, str]:
    """Return the version that production serves, or the reason for a comparison with none.

    A served version that was deleted from the registry must not stop every later training.
    """
    served = ports.production.champion(model)
    if served is None:
        return None, ""
    try:
        return ports.registry.get(served.model, served.version), ""
    except NotFoundError:
        return None, not_compared(served.version)
