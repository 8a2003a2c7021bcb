"""Bounds the store: deletes ended instances after the time that FUNCHOST_RETENTION_DAYS gives."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

from funchost import clock
from funchost.durable import history as h
from funchost.storage import instances
from funchost.storage.store import DatabaseError, Store

LOG = logging.getLogger("funchost.retention")
PAUSE = 3600.0  # seconds between two purges
MOST = 500  # instances in one transaction
LONGEST = timedelta(days=365 * 1000)  # a longer age leads to before the first date


async def keep_short(store: Store, age: timedelta) -> None:
    """Delete instances that ended longer ago than the age, now and every hour, until cancelled."""
    while True:
        try:
            # On a thread, because thousands of instances take seconds.
            purged = await asyncio.to_thread(purge_older, store, age)
        except DatabaseError as error:
            LOG.error("ended instances cannot be purged, next attempt in an hour: %s", error)
            purged = 0
        if purged:
            LOG.info("purged %d instances that ended more than %s ago", purged, age)
        await clock.wait(asyncio.Event(), clock.time() + PAUSE)


def purge_older(store: Store, age: timedelta, statuses: tuple[str, ...] = ()) -> int:
    """Delete ended instances (of some statuses) whose last change is older; return how many."""
    chosen = statuses or instances.TERMINAL
    limit = h.stamp(clock.now() - min(age, LONGEST))
    purged = 0
    while ids := instances.unchanged_since(store, limit, chosen, MOST):
        with store.transaction() as db:
            purged += instances.delete_ended(db, ids)
    return purged
