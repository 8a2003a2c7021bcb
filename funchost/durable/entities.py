"""Durable entities: operations queue per entity; a batch and its new state are one commit."""

from __future__ import annotations

import json
import logging
from typing import Any

from funchost.app.indexing import HostedFunction
from funchost.app.invocation import FunctionTimeoutError, Invoker
from funchost.clock import now
from funchost.durable import history as h
from funchost.durable.instances import post
from funchost.storage import entities
from funchost.storage.connection import Connection
from funchost.storage.entities import EntityRecord, Operation
from funchost.storage.instances import InstanceRecord
from funchost.storage.store import Store

LOG = logging.getLogger("funchost.entities")
BATCH = 5000  # the extension's maxEntityOperationBatchSize for dedicated plans


def split_id(entity: str) -> tuple[str, str]:
    """Return name and key of `@name@key`; a key may hold more of the sign."""
    name, _, key = entity.removeprefix("@").partition("@")
    return name, key


def send_from(db: Connection, row: InstanceRecord, event: h.Event) -> str:
    """Queue an orchestration's operation and return the entity; the input is JSON within JSON."""
    request = json.loads(event["Input"])
    reply = None if request["signal"] else (row.id, row.execution, request["id"])
    entity = str(event["InstanceId"])
    entities.add_operation(db, entity, event["Name"], json.dumps(request["input"]), reply)
    return entity


async def run_batch(
    store: Store, invoker: Invoker, function: HostedFunction | None, entity: str
) -> list[str]:
    """Run the operations of one entity and return the instances that got an answer.

    A crash before the commit runs them again.
    """
    operations = entities.operations(store, entity, BATCH)
    row = entities.get(store, entity)
    try:
        answer = await _invoke(invoker, function, entity, row, operations)
    except Exception as error:
        # The state stays unchanged; the caller gets the reason.
        LOG.warning("entity %s failed: %s: %s", entity, type(error).__name__, error)
        is_late = isinstance(error, FunctionTimeoutError)  # raised by the host, not by the function
        text = json.dumps(str(error) if is_late else f"{type(error).__name__}: {error}")
        failed = [{"isError": True, "result": text} for _ in operations]
        answer = {"results": failed, "unchanged": True}

    def keep(db: Connection) -> list[str]:
        if not answer.get("unchanged"):
            _save(db, entity, row, answer)
        for operation, result in zip(operations, answer["results"], strict=True):
            entities.delete_operation(db, operation.seq)
            if operation.instance is not None:
                _reply(db, operation.instance, operation, result)
            elif result["isError"]:
                LOG.warning("a signal to %s failed: %s", entity, result["result"])
        return [o.instance for o in operations if o.instance is not None]

    return await store.committed(keep)


async def _invoke(
    invoker: Invoker,
    function: HostedFunction | None,
    entity: str,
    row: EntityRecord | None,
    operations: list[Operation],
) -> dict[str, Any]:
    name, key = split_id(entity)
    if function is None or function.kind != "entityTrigger":
        raise LookupError(f"the app has no entity function {name}")
    document = {
        "self": {"name": name, "key": key},
        "exists": row is not None and bool(row.present),
        "state": row.state if row and row.present else None,
        "batch": [
            {"name": o.name, "input": o.input, "isSignal": o.request is None} for o in operations
        ],
    }
    answer: dict[str, Any] = json.loads(await invoker.text(function, json.dumps(document)))
    return answer


def _save(db: Connection, entity: str, row: EntityRecord | None, answer: dict[str, Any]) -> None:
    """Store the state; the record of an entity that deleted itself stays, as on the real host."""
    name, moment = split_id(entity)[0], h.stamp(now())
    present = int(answer["entityExists"])
    created = row.created if row else moment
    entities.put(db, EntityRecord(entity, name, answer["entityState"], moment, present, created))


def _reply(db: Connection, instance: str, operation: Operation, result: dict[str, Any]) -> None:
    response = {"result": result["result"]}
    if result["isError"]:
        response["exceptionType"] = "Exception"
    event = h.event(h.EVENT_RAISED, Name=operation.request, Input=json.dumps(response))
    post(db, instance, operation.execution, event)
