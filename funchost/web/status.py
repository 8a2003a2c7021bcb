"""The documents in which the status routes show an instance or an entity.

Source: Durable Functions documentation, "HTTP API reference", get instance status.
"""

from __future__ import annotations

import json
from typing import Any

from funchost.storage.entities import EntityRecord
from funchost.storage.instances import InstanceRecord


def _moment(text: str) -> str:
    return text[:19] + "Z"


def _load(text: str | None) -> Any:
    return None if text is None else json.loads(text)


def status_document(row: InstanceRecord, show_input: bool = True) -> dict[str, Any]:
    """Write an instance as the status endpoint shows it."""
    return {
        "name": row.name,
        "instanceId": row.id,
        "runtimeStatus": row.status,
        "input": _load(row.input) if show_input else None,
        "customStatus": _load(row.custom),
        "output": _load(row.output),
        "createdTime": _moment(row.created),
        "lastUpdatedTime": _moment(row.updated),
    }


def entity_document(entity: EntityRecord, show_input: bool = True) -> dict[str, Any]:
    """Write an entity as the status endpoint shows it: an instance that runs for ever."""
    moment = _moment(entity.updated)
    return {
        "name": entity.id,
        "instanceId": entity.id,
        "runtimeStatus": "Running",
        "input": {"exists": True, "state": entity.state} if show_input else None,
        "customStatus": None,
        "output": None,
        "createdTime": moment,
        "lastUpdatedTime": moment,
    }
