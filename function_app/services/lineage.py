"""Use cases of lineage: what a registration keeps, and the second training of a version."""

from function_app.domain.change.change import Change, CodeVersion
from function_app.domain.lineage.chain import known_run
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
from function_app.domain.training import ModelVersion, Run, is_own
from function_app.errors import ContractError, NotFoundError
from function_app.ports import Ports
from function_app.records.ledger.lineage import Lineage


def keep_origin(ports: Ports, version: ModelVersion, run: Run, training: Training) -> None:
    """Store the origin of a registered version once."""
    Lineage(ports.ledger, ports.inbox).keep(version, run, training, ports.clock.now())


def keep_code(ports: Ports, code: CodeVersion, change: Change) -> None:
    """Store the first publication of a version of the code."""
    published = PublishedCode(
        repository=change.repository, branch=change.branch, published_at=ports.clock.now()
    )
    Lineage(ports.ledger, ports.inbox).keep_code(code.model, code.version, published)


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
