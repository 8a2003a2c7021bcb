"""Timers: trainings on schedule, retries of stored events, reconciliation, clean-up."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

from function_app import names
from function_app.domain.codec import dump
from function_app.domain.event_types import TRAINING_REQUESTED
from function_app.domain.reconciliation import ReconcileRequest
from function_app.triggers.bodies import NoFields, read_body
from function_app.triggers.events.inbox import settle_pending, take_in
from function_app.triggers.http.watches import StoryStarted
from function_app.triggers.invocation import Accepted, Invocation, Request

SCHEDULE = "schedule"
# The age up to which leftover histories are searched.
MONTH, MONTHS = timedelta(days=30), 12
RECONCILIATION = "reconcile-round"


async def take_up_pending(invocation: Invocation) -> None:
    """Process events that a crash or a fault left half-way."""
    await settle_pending(invocation)


async def forget_old_events(invocation: Invocation) -> None:
    """Delete events and claims that are older than the limits keep them."""
    now, limits = invocation.ports.clock.now(), invocation.limits
    await asyncio.to_thread(
        invocation.ports.inbox.forget,
        now - timedelta(days=limits.keep_events_days),
        now - timedelta(days=limits.keep_claims_days),
    )


async def forget_old_histories(invocation: Invocation) -> None:
    """Delete old histories of ended stories; their outcomes stay as records.

    Durable on Azure Storage keeps histories for ever. A month is asked for at a time, since one
    request that deletes too much is given up.
    """
    end = invocation.ports.clock.now() - timedelta(days=invocation.limits.keep_histories_days)
    for _ in range(MONTHS):
        await invocation.stories.forget(end - MONTH, end)
        end -= MONTH


async def start_reconciliation(
    invocation: Invocation, reason: str = "every ten minutes, by the timer"
) -> None:
    """Start the comparison of ledger, histories and platforms, unless one is under way.

    `reason` names its cause in the status. Log the head of the audit log first, because the
    host's log is another store: an operator can compare the two.
    """
    if invocation.recorder is not None:
        await asyncio.to_thread(invocation.recorder.announce)
    story = await invocation.stories.find(RECONCILIATION)
    if story is None or story["ended"]:
        request = ReconcileRequest(reason=reason, models=tuple(sorted(invocation.projects)))
        await invocation.stories.start(names.RECONCILE, RECONCILIATION, dump(request))


async def post_reconciliation(invocation: Invocation, request: Request) -> Accepted[StoryStarted]:
    """Compare ledger, histories and platforms now, unless a comparison is under way."""
    read_body(request, NoFields)
    await start_reconciliation(invocation, reason="requested by hand")
    return Accepted(content={"instance_id": RECONCILIATION})


def training_on_schedule(
    model: str, name: str
) -> Callable[[Invocation], Coroutine[Any, Any, None]]:
    """Return the action that requests a training; its id has the minute and is idempotent."""

    async def ask(invocation: Invocation) -> None:
        """Request a training on the newest data."""
        minute = invocation.ports.clock.now().strftime("%Y-%m-%dT%H:%MZ")
        request_id = f"{SCHEDULE}-{name}-{minute}"
        event = {
            "specversion": "1.0",
            "id": request_id,
            "source": SCHEDULE,
            "type": TRAINING_REQUESTED,
            "subject": f"models/{model}",
            "data": {"model": model, "requestId": request_id},
        }
        await take_in(invocation, SCHEDULE, [event])

    return ask
