"""Typed stubs of the activities that integrate a change, for its story."""

from function_app import names
from function_app.domain.change import Change, CheckReport
from function_app.domain.gates import GateResult
from function_app.domain.integration import (
    ChangeStatus,
    ChecksRequest,
    FetchedChange,
    Publication,
    Published,
    ReferenceCheck,
    TrainingOrder,
)
from function_app.domain.requests import RunId
from function_app.domain.training import Run
from function_app.orchestrators.steps import Story, StoryContext, call, tell


def fetch_change(ctx: StoryContext, change: Change) -> Story[FetchedChange]:
    return (yield from call(ctx, names.FETCH_CHANGE, change, FetchedChange))


def submit_checks(ctx: StoryContext, request: ChecksRequest) -> Story[Run]:
    return (yield from call(ctx, names.SUBMIT_CHECKS, request, Run))


def read_checks(ctx: StoryContext, run_id: str) -> Story[CheckReport]:
    return (yield from call(ctx, names.READ_CHECKS, RunId(run_id=run_id), CheckReport))


def check_reference_data(ctx: StoryContext, check: ReferenceCheck) -> Story[GateResult]:
    return (yield from call(ctx, names.CHECK_REFERENCE_DATA, check, GateResult))


def publish_code(ctx: StoryContext, publication: Publication) -> Story[Published]:
    return (yield from call(ctx, names.PUBLISH_CODE, publication, Published))


def request_training(ctx: StoryContext, order: TrainingOrder) -> Story[None]:
    yield from tell(ctx, names.REQUEST_TRAINING, order)


def tell_change(ctx: StoryContext, status: ChangeStatus) -> Story[None]:
    yield from tell(ctx, names.TELL_CHANGE, status)
