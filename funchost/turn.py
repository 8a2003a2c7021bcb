"""One orchestration turn: replay, walk the actions, commit everything at once."""

from __future__ import annotations

import json
import logging
import sqlite3
import time
import uuid
import warnings
from collections.abc import Mapping
from typing import Any

from funchost import history as h
from funchost import http_call
from funchost.actions import Walk
from funchost.entities import send_from
from funchost.indexing import HostedFunction
from funchost.instances import create, finish, post
from funchost.store import Store

LOG = logging.getLogger("funchost.turn")
MARK = "\n\n$OutOfProcData$:"
FunctionMap = Mapping[str, HostedFunction]


def take_turn(store: Store, functions: FunctionMap, instance: str) -> None:
    """Process an instance's due messages; a crash before the commit changes nothing."""
    row = store.row("SELECT * FROM instances WHERE id=?", instance)
    messages = store.rows(
        "SELECT * FROM inbox WHERE instance=? AND due<=? ORDER BY seq", instance, time.time()
    )
    used = [m["seq"] for m in messages]
    if row is None or row["status"] in ("Completed", "Failed", "Terminated", "Canceled"):
        with store.transaction() as db:
            _drop(db, used)
        return
    if row["status"] == "Suspended":
        return
    past = [
        json.loads(r["event"])
        for r in store.rows("SELECT event FROM history WHERE instance=? ORDER BY seq", instance)
    ]
    for event in past:
        event["IsPlayed"] = True
    # Messages of an earlier execution are answers nobody waits for any more.
    fresh = [json.loads(m["event"]) for m in messages if m["execution"] in (None, row["execution"])]
    fresh.sort(key=lambda e: e["EventType"] != h.EXECUTION_STARTED)
    if not fresh or not (past or fresh[0]["EventType"] == h.EXECUTION_STARTED):
        with store.transaction() as db:
            _drop(db, used)
        return
    live = [h.event(h.ORCHESTRATOR_STARTED), *fresh]
    document, walk, failure = _replay(functions, row, past + live)
    with store.transaction() as db:
        current = db.execute("SELECT * FROM instances WHERE id=?", (instance,)).fetchone()
        if (
            current is None
            or current["execution"] != row["execution"]
            or (current["status"] != row["status"] and current["status"] != "Pending")
        ):
            return  # terminated, suspended or replaced meanwhile: that change wins
        _drop(db, used)
        _commit(db, functions, row, len(past), live, document, walk, failure)


def _drop(db: sqlite3.Connection, used: list[int]) -> None:
    db.executemany("DELETE FROM inbox WHERE seq=?", [(s,) for s in used])


def _replay(
    functions: FunctionMap, row: sqlite3.Row, events: list[h.Event]
) -> tuple[dict[str, Any], Walk, str | None]:
    name = row["name"]
    document: dict[str, Any] = {}
    actions: list[dict[str, Any]] = []
    failure: str | None = None
    try:
        function = functions[name.lower()]
        with warnings.catch_warnings():
            # Early and late events make the SDK warn although they are normal here.
            warnings.simplefilter("ignore")
            text = function.call(h.context_document(events, row["input"], row["id"], row["parent"]))
        document = json.loads(text)
    except Exception as error:
        message, found, state = str(error).partition(MARK)
        if found:
            document = json.loads(state)
            failure = str(document.get("error") or message)
        else:
            failure = f"{type(error).__name__}: {error}"
        document["isDone"] = True
    if document.get("actions"):
        actions = document["actions"][0]
    walk = Walk(events, actions, row["id"], row["execution"])
    try:
        # A failure without a state says nothing about the actions, so there is nothing to walk.
        if failure is not None and "actions" not in document:
            walk.finished = True
        else:
            walk.run()
    except Exception as error:
        failure, walk.finished = str(error), True
        walk.new.clear()
    return document, walk, failure


def _commit(
    db: sqlite3.Connection,
    functions: FunctionMap,
    row: sqlite3.Row,
    seq: int,
    live: list[h.Event],
    document: dict[str, Any],
    walk: Walk,
    failure: str | None,
) -> None:
    instance = row["id"]
    custom = document.get("customStatus")
    db.execute(
        "UPDATE instances SET status='Running', updated=?, custom=COALESCE(?, custom) WHERE id=?",
        (h.stamp(h.now()), None if custom is None else json.dumps(custom), instance),
    )
    if walk.finished:
        # What was sent before the end is sent, whatever the end.
        for event in walk.new:
            if event["EventType"] == h.EVENT_SENT:
                send_from(db, row, event)
    if walk.finished and walk.continues and failure is None:
        _continue(db, row, walk)
        return
    _append(db, instance, seq, [*live, *walk.new, h.event(h.ORCHESTRATOR_COMPLETED)])
    if walk.finished and failure is not None:
        text = f"Orchestrator function '{row['name']}' failed: {failure}"
        LOG.warning("%s: %s", instance, text.splitlines()[0])
        finish(db, instance, "Failed", json.dumps(text))
    elif walk.finished and document.get("isDone"):
        finish(db, instance, "Completed", json.dumps(document.get("output")))
    else:
        for event in walk.new:
            _dispatch(db, functions, row, event, walk.cancelled)
        for task in walk.cancelled:
            db.execute("DELETE FROM inbox WHERE instance=? AND timer=?", (instance, task))


def _append(db: sqlite3.Connection, instance: str, seq: int, events: list[h.Event]) -> None:
    db.executemany(
        "INSERT INTO history VALUES(?,?,?)",
        [(instance, seq + i, json.dumps(e)) for i, e in enumerate(events)],
    )


def _dispatch(
    db: sqlite3.Connection,
    functions: FunctionMap,
    row: sqlite3.Row,
    event: h.Event,
    cancelled: set[int],
) -> None:
    kind, task = event["EventType"], event["EventId"]
    instance, execution = row["id"], row["execution"]
    if kind == h.TIMER_CREATED:
        if task not in cancelled:
            due = h.parse_stamp(event["FireAt"])
            fired = h.event(h.TIMER_FIRED, TimerId=task, FireAt=event["FireAt"])
            post(db, instance, execution, fired, due.timestamp(), task)
        return
    if kind == h.EVENT_SENT:
        send_from(db, row, event)
        return
    name = event["Name"]
    wanted = "activityTrigger" if kind == h.TASK_SCHEDULED else "orchestrationTrigger"
    function = functions.get(name.lower())
    failed = h.TASK_FAILED if kind == h.TASK_SCHEDULED else h.SUB_FAILED
    if name != http_call.NAME and (function is None or function.kind != wanted):
        reason = f"The function '{name}' doesn't exist, is disabled, or is not a {wanted} function"
        post(
            db,
            instance,
            execution,
            h.event(failed, TaskScheduledId=task, Reason=reason, Details=None),
        )
    elif kind == h.TASK_SCHEDULED:
        db.execute(
            "INSERT INTO work(instance, execution, task, name, input) VALUES(?,?,?,?,?)",
            (instance, execution, task, name, event["Input"]),
        )
    elif not create(db, event["InstanceId"], name, event["Input"], (instance, execution, task)):
        reason = f"An instance with id '{event['InstanceId']}' is already running"
        post(
            db,
            instance,
            execution,
            h.event(failed, TaskScheduledId=task, Reason=reason, Details=None),
        )


def _continue(db: sqlite3.Connection, row: sqlite3.Row, walk: Walk) -> None:
    instance, execution = row["id"], uuid.uuid4().hex
    for table in ("work", "history"):
        db.execute(f"DELETE FROM {table} WHERE instance=?", (instance,))
    db.execute("DELETE FROM inbox WHERE instance=? AND execution IS NOT NULL", (instance,))
    db.execute(
        "UPDATE instances SET execution=?, input=? WHERE id=?",
        (execution, walk.continue_input, instance),
    )
    post(
        db,
        instance,
        execution,
        h.execution_started(row["name"], walk.continue_input, instance, execution),
    )
    # Events nobody took yet belong to the next execution.
    for events in walk.buffered.values():
        for event in events:
            post(db, instance, None, event)
