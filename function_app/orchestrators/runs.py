"""Waiting for what takes long: a run by its event and by polling, a deployment by asking again."""

from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from function_app import names
from function_app.domain.training import Run
from function_app.orchestrators import steps
from function_app.orchestrators.steps import Story, StoryContext

T = TypeVar("T")
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=1), timedelta(seconds=30)
# Between the failure of an attempt and the next attempt; it doubles from attempt to attempt.
FIRST_BACKOFF, LONGEST_BACKOFF = timedelta(seconds=2), timedelta(minutes=5)
ATTEMPTS = 5


def wait_for_run(
    ctx: StoryContext, run_id: str, timeout: timedelta, poll_interval: timedelta
) -> Story[Run]:
    """Return the run once it ended; it is cancelled at the deadline."""
    deadline = ctx.current_utc_datetime + timeout
    # One wait for the whole loop: the SDK hands an event to the latest wait of its name, the host
    # to the first.
    event = ctx.wait_for_external_event(names.run_completed_event(run_id))
    heard = False
    while True:
        run = yield from steps.get_run(ctx, run_id)
        if run.status.ended:
            return run
        if ctx.current_utc_datetime >= deadline:
            return (yield from steps.cancel_run(ctx, run_id))
        wait = min(poll_interval, deadline - ctx.current_utc_datetime)
        timer = ctx.create_timer(ctx.current_utc_datetime + wait)
        if heard:
            yield timer
        elif (yield ctx.task_any([event, timer])) is event:
            heard = True
            timer.cancel()


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
