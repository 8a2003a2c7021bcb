"""Activities of the training story."""

from dataclasses import replace

from function_app import steps, telemetry
from function_app.domain import data_quality
from function_app.domain.gates import GateResult
from function_app.domain.lineage.origin import VERDICT
from function_app.domain.people.authorship import (
    AUTHORS,
    Authors,
    Role,
    join_authors,
    make_authors,
    write_authors,
)
from function_app.domain.requests import (
    DatasetCheck,
    DatasetRequest,
    Evaluation,
    EvaluationRequest,
    PreparationRequest,
    Registration,
    RunId,
    RunRequest,
    StoredDataset,
)
from function_app.domain.training import ModelVersion, Run, Split
from function_app.errors import ConflictError, ContractError, NotFoundError
from function_app.ports import Ports
from function_app.services import judging, lineage


@steps.keep_dataset.activity
def keep_dataset(ports: Ports, request: DatasetRequest) -> StoredDataset:
    """Store the data as a version; refuse a file that cannot be read, without an error."""
    try:
        if request.uri:
            return StoredDataset(
                dataset=ports.datasets.add(request.model, request.uri, request.etag)
            )
        return StoredDataset(dataset=ports.datasets.latest(request.model))
    except (ContractError, NotFoundError, ConflictError) as error:
        return StoredDataset(refused=error.message, changed=isinstance(error, ConflictError))


@steps.submit_preparation.activity
def submit_preparation(ports: Ports, request: PreparationRequest) -> Run:
    """Start the preparation, or return the run of an earlier attempt."""
    reference = judging.reference_data(ports, request.dataset)
    tags = telemetry.tags(instance_id=request.instance_id, model=request.dataset.model)
    split = Split(group=request.group, folds=request.folds)
    return ports.jobs.submit_preparation(
        request.run_id, request.dataset, request.target, tags, reference, split
    )


@steps.judge_dataset.activity
def judge_dataset(ports: Ports, check: DatasetCheck) -> GateResult:
    """Judge prepared data against the model's reference data; data that passes is accepted."""
    prepared = ports.jobs.prepared(check.preparation_id)
    reference = ports.datasets.reference(check.dataset.model)
    baseline = reference.profile if reference else None
    result = data_quality.judge_prepared(prepared, baseline, check.policy)
    # Without a file the data is the newest already; accepting it again could undo a newer version.
    if result.passed and prepared.profile is not None and check.brought:
        ports.datasets.accept(check.dataset, prepared.profile, check.arrival)
    return result


@steps.submit_training.activity
def submit_training(ports: Ports, request: RunRequest) -> Run:
    """Start the training, or return the run of an earlier attempt."""
    tags = telemetry.tags(instance_id=request.instance_id, model=request.dataset.model)
    tags |= request.caller.tags()
    code = ports.jobs.code(request.dataset.model, request.code_version)
    if authors := join_authors(_starters(request.started_by), code.authors if code else ()):
        tags[AUTHORS] = write_authors(authors)
    return ports.jobs.submit(request.run_id, request.dataset, request.preparation_id, code, tags)


@steps.get_run.activity
def get_run(ports: Ports, run: RunId) -> Run:
    """Return the state of the run, read from the platform."""
    return ports.jobs.get(run.run_id)


@steps.cancel_run.activity
def cancel_run(ports: Ports, run: RunId) -> Run:
    """Stop the run, whose time is over, and return how it ended."""
    ports.jobs.cancel(run.run_id)
    return ports.jobs.get(run.run_id)


@steps.submit_evaluation.activity
def submit_evaluation(ports: Ports, request: EvaluationRequest) -> Run:
    """Start the run in which the challenger and the champion predict the same rows."""
    return judging.submit(ports, request)


@steps.evaluate_challenger.activity
def evaluate_challenger(ports: Ports, evaluation: Evaluation) -> GateResult:
    """Judge the run's model against the champion, on the same rows."""
    return judging.judge(ports, evaluation)


@steps.register_model.activity
def register_model(ports: Ports, registration: Registration) -> ModelVersion:
    """Register the run's model once, with the figures of its evaluation and its authors.

    The files behind the evidence of its release are attached to it.
    The run's tags are not a source of authors, because the judged code may write them.
    """
    judged, run = ports.jobs.judged(registration.evaluation_id), registration.run
    owner = make_authors([(Role.OWNS, run.owner)])
    authors = join_authors(_starters(registration.started_by), owner, _code_authors(ports, run))
    verdict = " ".join(registration.training.verdict)
    tagged = replace(run, tags={**run.tags, VERDICT: verdict}) if verdict else run
    version = ports.registry.register(tagged, judged, authors)
    lineage.keep_origin(ports, version, run, registration.training)
    lineage.keep_files(ports, version)
    return version


def _starters(people: tuple[str, ...]) -> Authors:
    return make_authors((Role.STARTED, person) for person in people)


def _code_authors(ports: Ports, run: Run) -> Authors:
    """Return the authors of a run's code, () for this app's own code and for unknown code."""
    if run.code is None:
        return ()
    try:
        code = ports.jobs.code(run.model, run.code.version)
    except NotFoundError:
        return ()
    return code.authors if code else ()
