"""Comparisons with the champion: the challenger's, and that of arriving data with its data.

A verdict is stale when the version was judged against a version that is no longer the champion. A
release then judges its version again, and production does not change before it passed.
"""

import logging
from collections.abc import Iterator
from dataclasses import replace

from function_app import telemetry
from function_app.domain import gates
from function_app.domain.gates import GateResult
from function_app.domain.project import project_of
from function_app.domain.release.approval import Refusal
from function_app.domain.release.authorization import STALE_VERDICT
from function_app.domain.release.release import Release
from function_app.domain.requests import ComparisonPlan, Evaluation, EvaluationRequest
from function_app.domain.training import (
    Dataset,
    ModelVersion,
    Run,
    RunStatus,
    champion_of,
    evaluation_id,
    judged_against,
    not_compared,
    preparation_of,
    run_of_evaluation,
)
from function_app.errors import NotFoundError, PlatformError
from function_app.ports import Ports
from function_app.records.ledger import looks, verdicts

LOG = logging.getLogger("mlops.production")


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
    model = ports.jobs.get(evaluation.evaluation_id).model
    if compared := champion_of(evaluation.evaluation_id):
        verdicts.save_fault(ports.rows, model, compared, result.champion_fault)
    elif not comparison.refused and (reason := _compared(ports, model)[1]):
        result = replace(result, reasons=(*result.reasons, reason))
    verdicts.save(ports.rows, evaluation.evaluation_id, result, evaluation.policy)
    return result


def evidence(ports: Ports, version: ModelVersion) -> Iterator[str]:
    """Yield the newest verdict of the gate on a version, as its approver sees it.

    It is the one about the present champion when there is one, else the first one. Nothing for a
    version that was judged before verdicts were stored.
    """
    newest = _against_champion(ports, version)
    result = verdicts.find(ports.rows, newest)
    if result is None:
        newest, result = version.evaluation_id, verdicts.find(ports.rows, version.evaluation_id)
    if result is None or result.verdict is None:
        return
    first, *others = result.reasons
    yield f"Verdict of the gate: {result.verdict}. {first}"
    yield from others
    first_champion, newest_champion = champion_of(version.evaluation_id), champion_of(newest)
    if newest != version.evaluation_id:
        yield (
            f"It was judged again {judged_against(newest_champion)}, by {newest}, because "
            f"production changed after it was judged {judged_against(first_champion)}."
        )
        return
    compared, served = first_champion, ports.production.champion(version.model)
    if served is not None and served.version not in (compared, version.version):
        yield (
            f"Production serves version {served.version} by now, and this version was compared "
            f"with {f'version {compared}' if compared else 'none'}. Train again to compare them."
        )


def _against_champion(ports: Ports, version: ModelVersion) -> str:
    """Return the id of the evaluation of a version against the present champion.

    It is the version's first one when production serves this version.
    """
    champion, _ = _compared(ports, version.model)
    if champion is not None and champion.version == version.version:
        return version.evaluation_id
    return evaluation_id(run_of_evaluation(version.evaluation_id), champion)


def find_stale(ports: Ports, version: ModelVersion) -> str:
    """Return the reason that no passed verdict on a version is about the present champion.

    "" when there is one, and when production serves this version.
    """
    champion, _ = _compared(ports, version.model)
    present, compared = champion.version if champion else "", champion_of(version.evaluation_id)
    if present in (compared, version.version):
        return ""
    result = verdicts.find(ports.rows, _against_champion(ports, version))
    if result is not None and result.passed:
        return ""
    return (
        f"{version.model}:{version.version} was judged {judged_against(compared)}. Production "
        f"changed, so that it must be judged {judged_against(present)}."
    )


def find_stale_if_known(ports: Ports, release: Release) -> str:
    """Return the reason that the verdict on a release is stale, "" when its champion is unknown.

    An approval does not need a production that answers: the promotion asks again, and needs one.
    """
    try:
        return find_stale(ports, ports.registry.get(release.model, release.version))
    except (NotFoundError, PlatformError) as error:
        LOG.warning("The champion of %s is unknown: %s", release.release_id, error.message)
        return ""


def refuse_stale(release: Release, stale: str) -> Refusal:
    """Return the refusal of an approval or a promotion, with what follows."""
    release_id = release.release_id
    remedy = (
        f"The release judges it again by itself; then `mlopsctl show {release_id}` has the new "
        f"evidence. When the release has ended, `mlopsctl retry {release_id}` judges it again."
    )
    if not release.policy.judged_again:
        remedy = (
            "An earlier version of this app started the release: reject or cancel it, then "
            f"`mlopsctl retry {release_id}` judges it again."
        )
    return Refusal(code=STALE_VERDICT, message=f"{stale} Nothing was changed. {remedy}")


def plan_comparison(ports: Ports, release: Release) -> ComparisonPlan:
    """Return the comparison that the release needs now, by the rules of mlops.toml now."""
    version = ports.registry.get(release.model, release.version)
    stale = find_stale(ports, version)
    if not stale:
        return ComparisonPlan()
    training = run_of_evaluation(version.evaluation_id)
    preparation = preparation_of(training)
    for run_id, content in ((training, "model"), (preparation, "held-out rows")):
        if not run_id or ports.jobs.get(run_id).status is not RunStatus.COMPLETED:
            name = f"run {run_id}" if run_id else "its run"
            text = f"It cannot be judged again: {name}, which has its {content}, is gone."
            return ComparisonPlan(stale=stale, refused=f"{text} Train again.")
    policy = project_of(ports.projects, release.model).training_policy()
    return ComparisonPlan(
        stale=stale,
        request=EvaluationRequest(
            run=ports.jobs.get(training),
            preparation_id=preparation,
            instance_id=release.release_id,
            policy=policy.gate,
        ),
        timeout=policy.timeout,
        poll_interval=policy.poll_interval,
        max_trainings=policy.max_trainings,
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
