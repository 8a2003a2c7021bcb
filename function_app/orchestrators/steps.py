"""Typed stubs of the activities, for stories; the one module here that knows the Durable SDK."""

from collections.abc import Generator
from datetime import datetime
from typing import Any, Protocol, TypeVar

from azure.durable_functions import RetryOptions

from function_app import names
from function_app.domain.approval import Settlement
from function_app.domain.cancellation import SettledCancellation, StoryId
from function_app.domain.codec import dump, load
from function_app.domain.gates import GateResult
from function_app.domain.lane import LaneHolder, LaneRequest
from function_app.domain.outcomes import StoryEnd
from function_app.domain.payload_limits import FACT_CHARACTERS, fit_status, shorten
from function_app.domain.platform import EnsuredPart, EnsurePart
from function_app.domain.reconciliation import ModelName, ReconcileReport, ReconcileRequest
from function_app.domain.release import Release
from function_app.domain.requests import (
    ApprovalRequest,
    Champion,
    DatasetCheck,
    DatasetRequest,
    Evaluation,
    EvaluationRequest,
    KeptDataset,
    PreparationRequest,
    Promotion,
    Registration,
    ReleaseEnd,
    ReleaseUpdate,
    RollBack,
    RolledBack,
    RunId,
    RunRequest,
    SmokeTest,
)
from function_app.domain.serving import Build, Rollout
from function_app.domain.training import ModelVersion, Run
from function_app.domain.watching import DriftAnnouncement, DriftReport, WatchRequest

T = TypeVar("T")
Story = Generator[Any, Any, T]

# Constant interval and attempts are all that RetryOptions of 1.x knows.
PLATFORM = RetryOptions(first_retry_interval_in_milliseconds=2_000, max_number_of_attempts=3)


class StoryContext(Protocol):
    """The part of the Durable context that stories use; both SDK generations have it."""

    @property
    def instance_id(self) -> str: ...

    @property
    def current_utc_datetime(self) -> datetime: ...

    def call_activity_with_retry(
        self, name: str, retry_options: Any, input_: Any = None
    ) -> Any: ...

    def wait_for_external_event(self, name: str) -> Any: ...

    def create_timer(self, fire_at: datetime) -> Any: ...

    def task_any(self, activities: list[Any]) -> Any: ...

    def set_custom_status(self, status: Any) -> None: ...


def first_line(fault: Exception) -> str:
    """Return the stable part of a fault's text: a failed activity has no type here."""
    lines = str(fault).strip().splitlines()
    return shorten(lines[0], FACT_CHARACTERS) if lines else "Unknown fault."


class Trail:
    """Shows each step in the custom status, with the steps before it and when each began.

    The status stays within the limit of Azure: long facts and long trails are shortened.
    """

    def __init__(self, ctx: StoryContext) -> None:
        self._ctx = ctx
        self._steps: list[dict[str, str]] = []

    def wait(self, step: str, **facts: str) -> None:
        """Show that the story is still at this step, with new facts; it begins the step once."""
        if self._steps and self._steps[-1]["step"] == step:
            self._ctx.set_custom_status(fit_status(step, facts, self._steps))
        else:
            self.show(step, **facts)

    def show(self, step: str, **facts: str) -> None:
        """Begin a step; its facts stay visible until the next one, what it runs as for good."""
        kept = {"runtime": facts["runtime"]} if "runtime" in facts else {}
        self._steps.append({"step": step, "at": dump(self._ctx.current_utc_datetime), **kept})
        shown = {name: fact for name, fact in facts.items() if fact}
        self._ctx.set_custom_status(fit_status(step, shown, self._steps))


def call(ctx: StoryContext, name: str, argument: Any, result: type[T]) -> Story[T]:
    """Call an activity and return its answer."""
    return load(result, (yield ctx.call_activity_with_retry(name, PLATFORM, dump(argument))))


def tell(ctx: StoryContext, name: str, argument: Any) -> Story[None]:
    """Call an activity that has no answer."""
    yield ctx.call_activity_with_retry(name, PLATFORM, dump(argument))


def ensure_part(ctx: StoryContext, part: EnsurePart) -> Story[EnsuredPart]:
    return (yield from call(ctx, names.ENSURE_PART, part, EnsuredPart))


def keep_dataset(ctx: StoryContext, request: DatasetRequest) -> Story[KeptDataset]:
    return (yield from call(ctx, names.KEEP_DATASET, request, KeptDataset))


def submit_preparation(ctx: StoryContext, request: PreparationRequest) -> Story[Run]:
    return (yield from call(ctx, names.SUBMIT_PREPARATION, request, Run))


def judge_dataset(ctx: StoryContext, check: DatasetCheck) -> Story[GateResult]:
    return (yield from call(ctx, names.JUDGE_DATASET, check, GateResult))


def submit_training(ctx: StoryContext, request: RunRequest) -> Story[Run]:
    return (yield from call(ctx, names.SUBMIT_TRAINING, request, Run))


def get_run(ctx: StoryContext, run_id: str) -> Story[Run]:
    return (yield from call(ctx, names.GET_RUN, RunId(run_id=run_id), Run))


def cancel_run(ctx: StoryContext, run_id: str) -> Story[Run]:
    return (yield from call(ctx, names.CANCEL_RUN, RunId(run_id=run_id), Run))


def submit_evaluation(ctx: StoryContext, request: EvaluationRequest) -> Story[Run]:
    return (yield from call(ctx, names.SUBMIT_EVALUATION, request, Run))


def evaluate_challenger(ctx: StoryContext, evaluation: Evaluation) -> Story[GateResult]:
    return (yield from call(ctx, names.EVALUATE_CHALLENGER, evaluation, GateResult))


def register_model(ctx: StoryContext, registration: Registration) -> Story[ModelVersion]:
    return (yield from call(ctx, names.REGISTER_MODEL, registration, ModelVersion))


def record_outcome(ctx: StoryContext, end: StoryEnd) -> Story[None]:
    yield from tell(ctx, names.RECORD_OUTCOME, end)


def settle_cancellation(ctx: StoryContext, instance_id: str) -> Story[SettledCancellation]:
    story = StoryId(instance_id=instance_id)
    return (yield from call(ctx, names.SETTLE_CANCELLATION, story, SettledCancellation))


def build_image(ctx: StoryContext, release: Release) -> Story[Build]:
    return (yield from call(ctx, names.BUILD_IMAGE, release, Build))


def deploy_staging(ctx: StoryContext, promotion: Promotion) -> Story[Rollout]:
    return (yield from call(ctx, names.DEPLOY_STAGING, promotion, Rollout))


def smoke_test(ctx: StoryContext, test: SmokeTest) -> Story[GateResult]:
    return (yield from call(ctx, names.SMOKE_TEST, test, GateResult))


def remove_staging(ctx: StoryContext, release: Release) -> Story[None]:
    yield from tell(ctx, names.REMOVE_STAGING, release)


def request_approval(ctx: StoryContext, request: ApprovalRequest) -> Story[None]:
    yield from tell(ctx, names.REQUEST_APPROVAL, request)


def settle_approval(ctx: StoryContext, release: Release) -> Story[Settlement]:
    return (yield from call(ctx, names.SETTLE_APPROVAL, release, Settlement))


def take_lane(ctx: StoryContext, request: LaneRequest) -> Story[LaneHolder]:
    return (yield from call(ctx, names.TAKE_LANE, request, LaneHolder))


def leave_lane(ctx: StoryContext, request: LaneRequest) -> Story[None]:
    yield from tell(ctx, names.LEAVE_LANE, request)


def get_champion(ctx: StoryContext, release: Release) -> Story[Champion]:
    return (yield from call(ctx, names.GET_CHAMPION, release, Champion))


def promote_challenger(ctx: StoryContext, promotion: Promotion) -> Story[Rollout]:
    return (yield from call(ctx, names.PROMOTE_CHALLENGER, promotion, Rollout))


def roll_back_production(ctx: StoryContext, request: RollBack) -> Story[RolledBack]:
    return (yield from call(ctx, names.ROLL_BACK_PRODUCTION, request, RolledBack))


def update_release(ctx: StoryContext, update: ReleaseUpdate) -> Story[None]:
    yield from tell(ctx, names.UPDATE_RELEASE, update)


def end_release(ctx: StoryContext, end: ReleaseEnd) -> Story[None]:
    yield from tell(ctx, names.END_RELEASE, end)


def compare_records(ctx: StoryContext, request: ReconcileRequest) -> Story[ReconcileReport]:
    return (yield from call(ctx, names.COMPARE_RECORDS, request, ReconcileReport))


def compare_platform(ctx: StoryContext, name: ModelName) -> Story[ReconcileReport]:
    return (yield from call(ctx, names.COMPARE_PLATFORM, name, ReconcileReport))


def keep_findings(ctx: StoryContext, report: ReconcileReport) -> Story[None]:
    yield from tell(ctx, names.KEEP_FINDINGS, report)


def observe_production(ctx: StoryContext, request: WatchRequest) -> Story[DriftReport]:
    return (yield from call(ctx, names.OBSERVE_PRODUCTION, request, DriftReport))


def announce_drift(ctx: StoryContext, announcement: DriftAnnouncement) -> Story[None]:
    yield from tell(ctx, names.ANNOUNCE_DRIFT, announcement)
