"""Use cases of lineage: what a registration keeps, and the second training of a version."""

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from function_app.domain.change.change import Change, CodeVersion
from function_app.domain.lineage.chain import Known, known_run
from function_app.domain.lineage.evidence_files import (
    MODEL_CARD,
    OF_PREPARATION,
    digests_of,
    names_of,
)
from function_app.domain.lineage.model_card import Judgement, model_card
from function_app.domain.lineage.origin import PublishedCode, Training
from function_app.domain.lineage.reproduction import (
    Compared,
    ReproductionCheck,
    ReproductionPlan,
    ReproductionRequest,
    ReproductionResult,
    impossible,
    judged_reproduction,
)
from function_app.domain.text.redaction import redact
from function_app.domain.training import ModelVersion, Run, is_own, preparation_of
from function_app.errors import ContractError, NotFoundError
from function_app.ports import Ports
from function_app.records.ledger import verdicts
from function_app.records.ledger.lineage import Lineage

_Content = TypeVar("_Content")


def keep_origin(ports: Ports, version: ModelVersion, run: Run, training: Training) -> None:
    """Store the origin of a registered version once."""
    Lineage(ports.ledger, ports.inbox).keep(version, run, training, ports.clock.now())


def keep_code(ports: Ports, code: CodeVersion, change: Change) -> None:
    """Store the first publication of a version of the code."""
    published = PublishedCode(
        repository=change.repository, branch=change.branch, published_at=ports.clock.now()
    )
    Lineage(ports.ledger, ports.inbox).keep_code(code.model, code.version, published)


def keep_files(ports: Ports, version: ModelVersion, evaluation: str = "") -> dict[str, str]:
    """Attach the files behind a version's evidence to it; return the SHA-256 of each by its name.

    The model card and the plots are about the evaluation, "" for the version's first one. The card
    of a release's evaluation becomes the description of the version, also when it was attached
    before. A file that is attached already stays, so that a later call returns the same digests. A
    file that no run has is left out. A version that another tool registered has no files.
    """
    if not is_own(version):
        return {}
    names, judged = names_of(version, evaluation), evaluation or version.evaluation_id
    attached = {name: ports.registry.attached(version, name) for name in names.values()}
    new = {
        name: content
        for kind, name in names.items()
        if attached[name] is None
        and (content := _content(ports, version, kind, judged)) is not None
    }
    if new:
        ports.registry.attach(version, new)
        attached |= {name: ports.registry.attached(version, name) for name in new}
    if evaluation and attached[names[MODEL_CARD]] is not None:
        ports.registry.describe(version, names[MODEL_CARD])
    return digests_of(attached)


def _content(ports: Ports, version: ModelVersion, name: str, evaluation: str) -> bytes | None:
    """Return the content of a file behind a version's evidence; None when no run has it."""
    if name == MODEL_CARD:
        return card_of(ports, version, evaluation).encode()
    report = OF_PREPARATION.get(name)
    run_id = preparation_of(version.run_id) if report else evaluation
    content = _found(partial(ports.jobs.report, run_id, report or name)) if run_id else None
    # The sender of a file chose its names and its texts, and a digest covers these bytes.
    return None if content is None else redact(content.decode(errors="replace")).encode()


def card_of(ports: Ports, version: ModelVersion, evaluation: str) -> str:
    """Return the model card of a version about one of its evaluations, from its present records."""
    if not is_own(version):
        return model_card(Known(version=version), Judgement())
    preparation = preparation_of(version.run_id)
    project = ports.projects.get(version.model)
    judgement = Judgement(
        evaluation_id=evaluation,
        comparison=_found(partial(ports.jobs.comparison, evaluation)) if evaluation else None,
        verdict=verdicts.find(ports.rows, evaluation),
        policy=verdicts.find_policy(ports.rows, evaluation),
        prepared=_found(partial(ports.jobs.prepared, preparation)) if preparation else None,
        target=project.data.target if project else "",
    )
    return model_card(known(ports, version), judgement)


def known(ports: Ports, version: ModelVersion) -> Known:
    """Return the records of a version, each read once."""
    if not is_own(version):
        # A foreign version may name any run: nothing is read in its name.
        return Known(version=version)
    records, code, run_id = Lineage(ports.ledger, ports.inbox), version.code, version.run_id
    project = ports.projects.get(version.model)
    return Known(
        version=version,
        module=project.training if project else "",
        run=known_run(ports.jobs.get(run_id)) if run_id else None,
        environment=ports.jobs.environment(run_id) if run_id else None,
        origin=records.origin(version.model, version.version),
        code=records.code(version.model, code.version) if code else None,
    )


def _found(read: Callable[[], _Content]) -> _Content | None:
    """Return a part of a run; None when it is gone, or is not what such a run writes."""
    try:
        return read()
    except (NotFoundError, ContractError):
        return None


def plan(ports: Ports, request: ReproductionRequest) -> ReproductionPlan:
    """Return the recorded inputs of a version, or the reason that one of them is gone."""
    name = f"{request.model}:{request.version}"
    try:
        version = ports.registry.get(request.model, request.version)
        if not is_own(version):
            return ReproductionPlan(
                refused=f"This app did not train {name}, so that its inputs are unknown. Another "
                "tool registered it, or version 0.1.0 of this app did in Azure."
            )
        data = _data_version(ports, version)
        if not data:
            return ReproductionPlan(
                refused=f"The data of {name} is unknown: the platform does not have its run "
                f"{version.run_id} any more."
            )
        dataset = ports.datasets.version(request.model, data)
        code = ports.jobs.code(request.model, version.code.version) if version.code else None
    except (NotFoundError, ContractError) as error:
        return ReproductionPlan(refused=error.message)
    return ReproductionPlan(version=version, dataset=dataset, code=code)


def compare(ports: Ports, check: ReproductionCheck) -> ReproductionResult:
    """Compare digests, predictions and environments of a version and its second training.

    A second model that breaks the contract has no figures, so that nothing can be compared.
    """
    comparison, version = ports.jobs.comparison(check.evaluation_id), check.version
    if comparison.refused:
        return impossible(redact(comparison.refused), run_id=check.run_id)
    judged = ports.jobs.judged(check.evaluation_id)
    both = Compared(
        version=version,
        digest=judged.digest,
        before=ports.jobs.environment(version.run_id),
        now=ports.jobs.environment(check.run_id),
        rows=comparison.rows,
        largest_difference=judged.largest_difference,
    )
    return judged_reproduction(both, check.run_id)


def _data_version(ports: Ports, version: ModelVersion) -> str:
    origin = Lineage(ports.ledger, ports.inbox).origin(version.model, version.version)
    if origin is not None and origin.data_version:
        return origin.data_version
    run = known_run(ports.jobs.get(version.run_id))
    return run.dataset_version if run else ""
