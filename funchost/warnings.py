"""Warnings where the real host goes a way that its users do not expect.

The host does the same as the real one and says so once for each instance: in its log, and in the
store, from which `funchost warnings` and the management API read.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from enum import StrEnum

from funchost.clock import now
from funchost.storage import warnings
from funchost.storage.connection import Connection
from funchost.storage.store import Store

LOG = logging.getLogger("funchost.warnings")


class Kind(StrEnum):
    """The kinds of warnings; the value is the name in the store and in the API."""

    OPEN_TIMER = "OPEN_TIMER"
    OPEN_TASK = "OPEN_TASK"
    VERSION_NOT_TAKEN = "VERSION_NOT_TAKEN"
    EVENTS_DROPPED = "EVENTS_DROPPED"
    HTTP_NOT_POLLED = "HTTP_NOT_POLLED"
    UNKNOWN_ORCHESTRATOR = "UNKNOWN_ORCHESTRATOR"
    LARGE_STATUS = "LARGE_STATUS"
    REFUSED_SCHEDULE = "REFUSED_SCHEDULE"
    NOT_DETERMINISTIC = "NOT_DETERMINISTIC"


def warn(db: Connection, kind: Kind, instance: str, cause: str, remedy: str) -> None:
    """Store and log a warning, unless the instance has one of this kind already."""
    if warnings.add(db, kind, instance, cause, remedy, now().isoformat()):
        LOG.warning("%s: instance %s: %s. %s", kind, instance, cause, remedy)


def open_timer(db: Connection, instance: str, due: str) -> None:
    """Warn that the code returned and left a timer open, which is due at this time."""
    warn(
        db,
        Kind.OPEN_TIMER,
        instance,
        f"the code has returned, but a timer is open, so the instance stays Running until {due}",
        "Cancel the timer before the code returns. SDK 1.7 cannot cancel a timer of over 6 days: "
        "wait in steps of at most 6 days",
    )


def open_task(db: Connection, instance: str) -> None:
    """Warn that the code returned while an activity or a child still runs."""
    warn(
        db,
        Kind.OPEN_TASK,
        instance,
        "the code has returned, but an activity or a child orchestration that it called still "
        "runs, so the instance stays Running until this has ended",
        "Let the loser of a race end soon, or end it: an activity at a time limit of its own, a "
        "child by an event that it waits for",
    )


def version_not_taken(db: Connection, instance: str, version: str, default: str) -> None:
    """Warn that no worker takes an instance because of its version."""
    accepted = f"defaultVersion {default}" if default else "no defaultVersion"
    warn(
        db,
        Kind.VERSION_NOT_TAKEN,
        instance,
        f"its version is {version or 'empty'} and host.json has {accepted}, so that no turn of it "
        "is taken",
        "Set extensions.durableTask.defaultVersion in host.json to this version, or start the "
        "instance with a version that the app accepts",
    )


def events_dropped(db: Connection, instance: str, names: Iterable[str]) -> None:
    """Warn that continue_as_new dropped events for which the code had not waited."""
    warn(
        db,
        Kind.EVENTS_DROPPED,
        instance,
        f"continue_as_new dropped events that the code had not taken: {', '.join(names)}",
        "Take all events before continue_as_new, or keep them in a store of your own",
    )


def http_not_polled(db: Connection, instance: str, url: str) -> None:
    """Warn that call_http returned a 202 which names a Location."""
    warn(
        db,
        Kind.HTTP_NOT_POLLED,
        instance,
        f"call_http of {url} was answered 202 with a Location, and SDK 1.7 does not poll it",
        "Poll the Location in the orchestrator, with a timer between the calls",
    )


def unknown_orchestrator(db: Connection, instance: str, name: str) -> None:
    """Warn that an instance was started for a function that the app does not have."""
    warn(
        db,
        Kind.UNKNOWN_ORCHESTRATOR,
        instance,
        f"the app has no orchestrator function '{name}', so the instance fails at its first turn",
        "Start it with the name of an orchestrator function; the start itself is answered 202",
    )


def large_status(db: Connection, instance: str, size: int, most: int) -> None:
    """Warn that a custom status is close to the limit; both sizes are in KB."""
    warn(
        db,
        Kind.LARGE_STATUS,
        instance,
        f"its custom status has {size} KB, and over {most} KB fail the instance",
        "Keep the custom status short: put references into it and no data",
    )


def diverged(db: Connection, instance: str, name: str, step: str) -> None:
    """Warn that a replay of an ended instance left its history at this step."""
    warn(
        db,
        Kind.NOT_DETERMINISTIC,
        instance,
        f"the code of orchestrator {name} leaves the history: {step}",
        "Azure replays each history and fails such instances. Make the code deterministic, or give "
        "changed code a new name, and see `python -m funchost check`",
    )


def refused_schedules(store: Store, refused: Mapping[str, str]) -> None:
    """Store the functions that this start refused, with the reasons, instead of earlier ones."""
    if not refused and not warnings.has(store, Kind.REFUSED_SCHEDULE):
        return
    remedy = "Correct the schedule, and start the host again; the other functions run"

    def replace(db: Connection) -> None:
        warnings.delete(db, Kind.REFUSED_SCHEDULE)
        for name, reason in refused.items():
            cause = f"its timer does not run: {reason}"
            at = now().isoformat()
            warnings.add(db, Kind.REFUSED_SCHEDULE, f"function {name}", cause, remedy, at)

    store.commit(replace).result()
