"""Comparisons with the champion: the challenger's, and that of arriving data with its data."""

from collections.abc import Iterator
from dataclasses import replace

from function_app import telemetry
from function_app.domain import gates
from function_app.domain.gates import GateResult
from function_app.domain.gating.own_metric import describe_metric
from function_app.domain.requests import Evaluation, EvaluationRequest
from function_app.domain.training import (
    Dataset,
    ModelVersion,
    Run,
    champion_of,
    evaluation_id,
    not_compared,
)
from function_app.errors import NotFoundError
from function_app.ports import Ports
from function_app.records.ledger import looks, verdicts


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
    """Return the verdict on the run's model against the champion, and store it for approvers."""
    comparison = ports.jobs.comparison(evaluation.evaluation_id)
    result = gates.judge(comparison, evaluation.policy)
    run = ports.jobs.get(evaluation.evaluation_id)
    compared = champion_of(evaluation.evaluation_id)
    model, commit = run.model, run.code.commit if run.code else ""
    about = describe_metric(comparison.metric, commit, compared=bool(compared))
    result = replace(result, reasons=(*result.reasons, *about))
    if compared:
        verdicts.save_fault(ports.rows, model, compared, result.champion_fault)
    elif not comparison.refused and (reason := _compared(ports, model)[1]):
        result = replace(result, reasons=(*result.reasons, reason))
    verdicts.save(ports.rows, evaluation.evaluation_id, result, evaluation.policy)
    return result


def evidence(ports: Ports, version: ModelVersion) -> Iterator[str]:
    """Yield the verdict of the gate on a version, as its approver sees it.

    Nothing for a version that was judged before verdicts were stored. The champion may have changed
    since then, so that the comparison says nothing about the present one.
    """
    result = verdicts.find(ports.rows, version.evaluation_id)
    if result is None or result.verdict is None:
        return
    first, *others = result.reasons
    yield f"Verdict of the gate: {result.verdict}. {first}"
    yield from others
    compared, served = champion_of(version.evaluation_id), ports.production.champion(version.model)
    if served is not None and served.version not in (compared, version.version):
        yield (
            f"Production serves version {served.version} by now, and this version was compared "
            f"with {f'version {compared}' if compared else 'none'}. Train again to compare them."
        )


def reference_data(ports: Ports, dataset: Dataset) -> Dataset | None:
    """Return the data to compare new data with: the champion's, else the model's reference data.

    None when neither is stored, and when it is the new data itself.
    """
    champion, _ = _compared(ports, dataset.model)
    versions = []
    if champion is not None and champion.run_id:
        versions.append(ports.jobs.get(champion.run_id).dataset_version)
    if stored := ports.datasets.reference(dataset.model):
        versions.append(stored.dataset.version)
    for version in filter(None, versions):
        try:
            data = ports.datasets.version(dataset.model, version)
        except NotFoundError:
            continue
        return data if data.version != dataset.version else None
    return None


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
