"""Waits for long work: for a run by its event and by polling, for a deployment by asking again."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import TypeVar

from function_app import names, steps
from function_app.domain.requests import RunId
from function_app.domain.training import MAX_RESUBMISSIONS, Run, RunStatus
from function_app.orchestrators.shared.trail import Trail
from function_app.orchestrators.shared.waits import (
    NoEvent,
    OneEvent,
    constant,
    doubling,
    wait_until,
)
from function_app.steps.context import Story, StoryContext

T = TypeVar("T")
RESUBMISSION_PAUSE = timedelta(seconds=30)
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=1), timedelta(seconds=30)
# The backoff between a failed attempt and the next one doubles from attempt to attempt.
FIRST_BACKOFF, LONGEST_BACKOFF = timedelta(seconds=2), timedelta(minutes=5)
ATTEMPTS = 5


def wait_for_run(
    ctx: StoryContext, run_id: str, timeout: timedelta, poll_interval: timedelta
) -> Story[Run]:
    """Return the run once it ended; cancel it at the deadline.

    An event that arrives while an activity runs ends the next pause at once. After the event the
    run is polled with short pauses, because a platform may announce the end of a run before its
    status says so.
    """
    run = yield from wait_until(
        ctx,
        lambda: steps.get_run(ctx, RunId(run_id=run_id)),
        lambda run: run.status.ended,
        constant(poll_interval),
        wakes=OneEvent(ctx, names.run_completed_event(run_id)),
        pauses_when_woken=doubling(FIRST_PAUSE, poll_interval),
        deadline=ctx.current_utc_datetime + timeout,
    )
    if run.status.ended:
        return run
    return (yield from steps.cancel_run(ctx, RunId(run_id=run_id)))


def finish_run(
    ctx: StoryContext,
    trail: Trail,
    step: str,
    run_id: str,
    resubmit: Callable[[], Story[Run]],
    timeout: timedelta,
    poll_interval: timedelta,
) -> Story[Run]:
    """Return the submitted run once it ended; `resubmit` starts it again when it is interrupted.

    `timeout` limits each attempt. After MAX_RESUBMISSIONS the interrupted run is returned. A full
    disk or a lost node may need minutes, so the second and later resubmissions back off, and one
    that fails counts as an attempt; only the last one raises its error.
    """
    pause = timedelta(0)
    ended = yield from wait_for_run(ctx, run_id, timeout, poll_interval)
    for attempt in range(1, MAX_RESUBMISSIONS + 1):
        if ended.status is not RunStatus.INTERRUPTED:
            return ended
        trail.wait(step, run_id=run_id, attempt=str(attempt + 1), reason=ended.detail)
        if pause:
            yield ctx.create_timer(ctx.current_utc_datetime + pause)
        pause = 2 * pause or RESUBMISSION_PAUSE
        try:
            run_id = (yield from resubmit()).run_id
        except Exception:
            if attempt == MAX_RESUBMISSIONS:
                raise
            continue
        ended = yield from wait_for_run(ctx, run_id, timeout, poll_interval)
    return ended


def unfinished(run: Run) -> str:
    """Return why a run that ended has no result."""
    if run.status is RunStatus.INTERRUPTED:
        times = MAX_RESUBMISSIONS + 1
        return f"Run {run.run_id} was interrupted {times} times and is given up. {run.detail}"
    return f"Run {run.run_id} is {run.status}. {run.detail}".strip()


def ask_until(
    ctx: StoryContext,
    subject: str,
    ask: Callable[[], Story[T]],
    is_done: Callable[[T], bool],
    timeout: timedelta,
    *,
    event_name: str = "",
    failure: Callable[[T], str] = lambda _: "",
    attempts: int = ATTEMPTS,
) -> Story[T]:
    """Poll an idempotent activity until its work is done, with pauses that double.

    The external event `event_name` ends a pause. `failure` returns why an attempt failed, "" while
    it has not failed: the next request starts a new attempt, after a backoff. RuntimeError with the
    last failure after `attempts`; TimeoutError, which names `subject`, at the deadline.
    """
    deadline, failures = ctx.current_utc_datetime + timeout, list[str]()
    pauses = _Pauses()

    def ask_once() -> Story[T]:
        answer = yield from ask()
        reason = "" if is_done(answer) else failure(answer)
        if reason:
            failures.append(reason)
            if len(failures) >= attempts:
                raise RuntimeError(
                    f"{subject} failed in {attempts} attempts. The last one: {reason}"
                )
            pauses.back_off(len(failures))
        if not is_done(answer) and ctx.current_utc_datetime >= deadline:
            last = f" The last attempt: {failures[-1]}" if failures else ""
            raise TimeoutError(f"{subject} was not done within {timeout}.{last}")
        return answer

    wakes = OneEvent(ctx, event_name) if event_name else NoEvent()
    return (yield from wait_until(ctx, ask_once, is_done, pauses, wakes=wakes))


class _Pauses(Iterator[timedelta]):
    """Pauses that double within an attempt, with a longer one after a failed attempt."""

    def __init__(self) -> None:
        self._pauses = doubling(FIRST_PAUSE, LONGEST_PAUSE)
        self._backoff: timedelta | None = None

    def back_off(self, failed: int) -> None:
        """Set the next pause by the number of failed attempts; later ones start from the first."""
        self._backoff = min(2 ** (failed - 1) * FIRST_BACKOFF, LONGEST_BACKOFF)
        self._pauses = doubling(FIRST_PAUSE, LONGEST_PAUSE)

    def __next__(self) -> timedelta:
        pause, self._backoff = self._backoff or next(self._pauses), None
        return pause
