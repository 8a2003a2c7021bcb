"""The Durable client behind the port that triggers use."""

import json
import re
from typing import Any

# The SDK puts ids into URLs as they are: any other sign would ask for something else.
_ID = re.compile(r"[A-Za-z0-9_-]{1,256}")
_ENDED = ("Completed", "Failed", "Terminated", "Canceled")


class DurableStories:
    """Starts, wakes and looks at instances through a DurableOrchestrationClient."""

    def __init__(self, client: Any) -> None:
        self._client = client

    async def start(self, story: str, instance_id: str, argument: Any) -> None:
        await self._client.start_new(story, instance_id, argument)

    async def wake(self, instance_id: str, event: str) -> None:
        if _ID.fullmatch(instance_id) and await self._client.get_status(instance_id):
            try:
                await self._client.raise_event(instance_id, event, {})
            except Exception as error:
                # The SDK has one type for all: an instance that ended meanwhile is no fault.
                if "not running" not in str(error) and "completed or failed" not in str(error):
                    raise

    async def find(self, instance_id: str) -> dict[str, Any] | None:
        if not _ID.fullmatch(instance_id):
            return None
        status = await self._client.get_status(instance_id)
        # The SDK gives an object without a name for an instance that is not there.
        return _view(status) if status and status.name else None

    async def list(self) -> list[dict[str, Any]]:
        return [_view(s) for s in reversed(await self._client.get_status_all())]


def _view(status: Any) -> dict[str, Any]:
    state = status.runtime_status.value if status.runtime_status else "Unknown"
    return {
        "instance_id": status.instance_id,
        "story": status.name,
        "status": state,
        "ended": state in _ENDED,
        "step": status.custom_status,
        "output": _parsed(status.output),
        "created_at": _time(status.created_time),
        "updated_at": _time(status.last_updated_time),
    }


def _parsed(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value.strip().splitlines()[0] if value.strip() else value


def _time(moment: Any) -> str | None:
    return None if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%SZ")
