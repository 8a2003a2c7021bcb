"""Waiting for what takes long: a run by its event and by polling, a deployment by asking again."""

from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from function_app import names, steps
from function_app.domain.requests import RunId
from function_app.domain.training import MAX_RESUBMISSIONS, Run, RunStatus
from function_app.orchestrators.trail import Trail
from function_app.steps.context import Story, StoryContext

T = TypeVar("T")
RESUBMISSION_PAUSE = timedelta(seconds=30)
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=1), timedelta(seconds=30)
# Between the failure of an attempt and the next attempt; it doubles from attempt to attempt.
FIRST_BACKOFF, LONGEST_BACKOFF = timedelta(seconds=2), timedelta(minutes=5)
ATTEMPTS = 5


def wait_for_run(
    ctx: StoryContext, run_id: str, timeout: timedelta, poll_interval: timedelta
) -> Story[Run]:
    """Return the run once it ended; it is cancelled at the deadline.

    An event that arrives while an activity runs ends the next wait at once. After the event the
    run is polled with short pauses, because a platform may announce the end of a run before its
    status says so.
    """
    deadline = ctx.current_utc_datetime + timeout
    # One wait for the whole loop: the SDK hands an event to the latest wait of its name, the host
    # to the first.
    event = ctx.wait_for_external_event(names.run_completed_event(run_id))
    heard, pause = False, FIRST_PAUSE
    while True:
        run = yield from steps.get_run(ctx, RunId(run_id=run_id))
        if run.status.ended:
            return run
        if ctx.current_utc_datetime >= deadline:
            return (yield from steps.cancel_run(ctx, RunId(run_id=run_id)))
        wait = min(pause if heard else poll_interval, deadline - ctx.current_utc_datetime)
        timer = ctx.create_timer(ctx.current_utc_datetime + wait)
        if heard:
            yield timer
            pause = min(2 * pause, poll_interval)
        elif (yield ctx.task_any([event, timer])) is event:
            heard = True
            timer.cancel()


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
    what: str,
    ask: Callable[[], Story[T]],
    is_done: Callable[[T], bool],
    timeout: timedelta,
    *,
    event_name: str = "",
    failure: Callable[[T], str] = lambda _: "",
    attempts: int = ATTEMPTS,
) -> Story[T]:
    """Ask an activity that makes or finds, after longer and longer pauses, until it is done.

    An external event of that name ends a pause. `failure` returns why an attempt failed, "" while
    it has not: the next request starts a new attempt, after a backoff. RuntimeError with the last
    failure after so many attempts; TimeoutError, which names `what`, at the deadline.
    """
    deadline, pause = ctx.current_utc_datetime + timeout, FIRST_PAUSE
    event = ctx.wait_for_external_event(event_name) if event_name else None
    failed, reason = 0, ""
    while True:
        answer = yield from ask()
        if is_done(answer):
            return answer
        if failure(answer):
            failed, reason = failed + 1, failure(answer)
            if failed >= attempts:
                raise RuntimeError(f"{what} failed in {failed} attempts. The last one: {reason}")
            pause = min(2 ** (failed - 1) * FIRST_BACKOFF, LONGEST_BACKOFF)
        if ctx.current_utc_datetime >= deadline:
            last = f" The last attempt: {reason}" if reason else ""
            raise TimeoutError(f"{what} was not done within {timeout}.{last}")
        timer = ctx.create_timer(ctx.current_utc_datetime + pause)
        if event is None:
            yield timer
        elif (yield ctx.task_any([event, timer])) is event:
            event = None
            timer.cancel()
        pause = FIRST_PAUSE if failure(answer) else min(2 * pause, LONGEST_PAUSE)
