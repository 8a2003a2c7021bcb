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
from function_app.domain.gating.own_metric import describe_metric
from function_app.domain.project import project_of
from function_app.domain.release.approval import Refusal
from function_app.domain.release.authorization import STALE_VERDICT
from function_app.domain.release.release import (
    Release,
    ReleaseRecord,
    ReleaseStatus,
    attempt_of,
)
from function_app.domain.release.superseding import superseded_by
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
MOST_ATTEMPTS = 20


def submit(ports: Ports, request: EvaluationRequest) -> Run:
    """Start the run in which the challenger and the champion predict the same rows, or return it.

    The comparison is counted first, so that its level is spent before anybody sees a figure. All
    attempts at it are one comparison, because only a completed one has figures.
    """
    run, preparation, policy = request.run, request.preparation_id, request.policy
    champion, _ = _compared(ports, run.model)
    tags = telemetry.tags(instance_id=request.instance_id, model=run.model)
    comparison = evaluation_id(run.run_id, champion)
    look = looks.count(ports.rows, run.model, comparison) if champion else 0
    run_id = _completed(ports, request, champion)
    return ports.jobs.submit_evaluation(run_id, run, preparation, champion, policy, tags, look)


def _completed(ports: Ports, request: EvaluationRequest, champion: ModelVersion | None) -> str:
    """Return the id of an earlier attempt that completed, else that of the request's own attempt.

    The last MOST_ATTEMPTS are read, because the id of a release may have any number.
    """
    numbers = range(1, request.attempt)[-MOST_ATTEMPTS:]
    earlier = (evaluation_id(request.run.run_id, champion, number) for number in numbers)
    done = (each for each in earlier if ports.jobs.get(each).status is RunStatus.COMPLETED)
    return next(done, evaluation_id(request.run.run_id, champion, request.attempt))


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


def evidence(ports: Ports, version: ModelVersion, evaluation: str) -> Iterator[str]:
    """Yield the verdict of an evaluation of a version and its name, as an approver sees them.

    The name only for a version that was judged before verdicts were stored; nothing without an
    evaluation. Production may have changed since then.
    """
    result = verdicts.find(ports.rows, evaluation)
    if result is not None and result.verdict is not None:
        first, *others = result.reasons
        yield f"Verdict of the gate: {result.verdict}. {first}"
        yield from others
    if not evaluation:
        return
    compared, (served, _) = champion_of(evaluation), _compared(ports, version.model)
    text = f"The version was judged {judged_against(compared)}, by {evaluation}."
    if evaluation != version.evaluation_id:
        former = judged_against(champion_of(version.evaluation_id))
        text += f" It was judged {former} first, and production changed after that."
    yield text
    if served is not None and served.version not in (compared, version.version):
        yield (
            f"Production serves version {served.version} by now: the version must be judged again "
            "before its promotion."
        )


def valid_evaluation(ports: Ports, version: ModelVersion) -> str | None:
    """Return the id of the passed evaluation of a version against the present champion.

    It is the version's first one when production serves the champion of that one, or the version
    itself. None when the version must be judged again; "" for a version without any evaluation
    while production serves nothing.
    """
    champion, _ = _compared(ports, version.model)
    present, first = champion.version if champion else "", version.evaluation_id
    if present in (champion_of(first), version.version):
        return first
    training = run_of_evaluation(first)
    return verdicts.find_passed(ports.rows, evaluation_id(training, champion)) or None


def shown_evaluation(ports: Ports, version: ModelVersion) -> str:
    """Return the id of the evaluation that describes a version now.

    It is the valid one, and the version's first one while none is valid.
    """
    valid = valid_evaluation(ports, version)
    return version.evaluation_id if valid is None else valid


def shown_if_known(ports: Ports, version: ModelVersion) -> str:
    """Return the id of the evaluation that describes a version.

    It is the first one when production does not answer.
    """
    try:
        return shown_evaluation(ports, version)
    except PlatformError as error:
        LOG.warning("The champion of %s is unknown: %s", version.model, error.message)
        return version.evaluation_id


def find_stale(ports: Ports, version: ModelVersion, evaluation: str) -> str:
    """Return the reason that evidence about this evaluation is not about the present champion.

    "" for the valid evaluation. Evidence of an earlier version of this app names none; it is about
    the version's first one.
    """
    shown, valid = evaluation or version.evaluation_id, valid_evaluation(ports, version)
    if shown == valid:
        return ""
    champion, _ = _compared(ports, version.model)
    present = champion.version if champion else ""
    judged = f"{version.model}:{version.version} was judged {judged_against(champion_of(shown))}. "
    if valid is None:
        return f"{judged}Production changed, so that it must be judged {judged_against(present)}."
    return f"{judged}Production changed, so that its evidence must be about {valid}."


def find_stale_if_known(ports: Ports, record: ReleaseRecord) -> str:
    """Return the reason that a release's evidence is stale, "" when its champion is unknown.

    An approval does not need a production that answers: the promotion asks again, and needs one.
    """
    release = record.release
    try:
        version = ports.registry.get(release.model, release.version)
        return find_stale(ports, version, record.evaluation_id)
    except (NotFoundError, PlatformError) as error:
        LOG.warning("The champion of %s is unknown: %s", release.release_id, error.message)
        return ""


def refuse_stale(release: Release, stale: str) -> Refusal:
    """Return the refusal of an approval or a promotion, with the remedy."""
    release_id = release.release_id
    remedy = (
        "The release judges its version again and then asks with new evidence: `mlopsctl show "
        f"{release_id}`. When it has ended: `mlopsctl retry {release_id}`."
    )
    if not release.policy.judged_again:
        remedy = (
            "An earlier version of this app started the release, which does not judge again: "
            f"reject or cancel it, then `mlopsctl retry {release_id}`."
        )
    return Refusal(code=STALE_VERDICT, message=f"{stale} Nothing was changed. {remedy}")


def plan_comparison(ports: Ports, release: Release) -> ComparisonPlan:
    """Return the comparison that the release needs now, by the rules of mlops.toml now.

    A superseded release needs none, because a comparison spends error of the model.
    """
    version = ports.registry.get(release.model, release.version)
    record = ports.ledger.get_release(release.release_id)
    stale = find_stale(ports, version, record.evaluation_id if record else "")
    if not stale or valid_evaluation(ports, version) is not None:
        return ComparisonPlan(stale=stale)
    if record is not None and record.status is ReleaseStatus.SUPERSEDED:
        return ComparisonPlan(stale=stale, superseded=record.reasons)
    if (newer := ports.ledger.successor(release.release_id)) is not None:
        return ComparisonPlan(stale=stale, superseded=superseded_by(newer))
    training = run_of_evaluation(version.evaluation_id)
    preparation = preparation_of(training)
    for run_id, content in ((training, "model"), (preparation, "held-out rows")):
        if not run_id or ports.jobs.get(run_id).status is not RunStatus.COMPLETED:
            name = f"run {run_id}" if run_id else "its run"
            text = f"It cannot be judged again: {name}, which has its {content}, is gone."
            return ComparisonPlan(stale=stale, refused=f"{text} Train again.")
    policy = project_of(ports.projects, release.model).training_policy()
    champion, _ = _compared(ports, release.model)
    return ComparisonPlan(
        stale=stale,
        champion=champion.version if champion else "",
        request=EvaluationRequest(
            run=ports.jobs.get(training),
            preparation_id=preparation,
            instance_id=release.release_id,
            policy=policy.gate,
            attempt=attempt_of(release),
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
