"""The Durable client behind the port that triggers use."""

import asyncio
import json
from collections.abc import Coroutine, Iterator
from datetime import datetime
from typing import Any, TypeVar, cast

from function_app.domain.stories.cancellation import can_be_cancelled
from function_app.domain.stories.outcomes import facts_of, outcome_of
from function_app.domain.stories.results import result_of
from function_app.domain.stories.views import StepView, StoryView
from function_app.domain.text.identifiers import INSTANCE_ID
from function_app.late_imports import importing

_ENDED = ("Completed", "Failed", "Terminated", "Canceled")
_UNDER_WAY = ("Running", "Pending", "Suspended", "ContinuedAsNew")
_PAGE = 500
_NEXT = "x-ms-continuation-token"
T = TypeVar("T")


class DurableStories:
    """Starts, wakes and reads instances through a DurableOrchestrationClient.

    The client keeps one HTTP session for the event loop on which it was first used, so that its
    calls are made on the loop on which this object was created: the host's.
    """

    def __init__(self, client: Any) -> None:
        """Take the client; call this on the host's event loop."""
        self._client, self._loop = client, asyncio.get_running_loop()

    async def _on_host(self, call: Coroutine[Any, Any, T]) -> T:
        """Return the result of a call of the client, from whichever loop it is awaited."""
        if asyncio.get_running_loop() is self._loop:
            return await call
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(call, self._loop))

    async def start(self, story: str, instance_id: str, argument: Any) -> None:
        INSTANCE_ID.check(instance_id, "instance id")
        await self._on_host(self._client.start_new(story, instance_id, argument))

    async def wake(self, instance_id: str, event: str) -> None:
        if _is_id(instance_id) and await self._on_host(self._client.get_status(instance_id)):
            try:
                await self._on_host(self._client.raise_event(instance_id, event, {}))
            except Exception as error:
                # The SDK has one type for all: an instance that ended meanwhile is no fault.
                if "not running" not in str(error) and "completed or failed" not in str(error):
                    raise

    async def find(self, instance_id: str) -> StoryView | None:
        if not _is_id(instance_id):
            return None
        status = await self._on_host(self._client.get_status(instance_id))
        # The SDK gives an object without a name for an instance that is not there.
        return _view(status) if status and status.name else None

    async def argument(self, instance_id: str) -> Any:
        if not _is_id(instance_id):
            return None
        status = await self._on_host(self._client.get_status(instance_id, show_input=True))
        return _argument(status.input_) if status else None

    async def list(self, since: datetime) -> list[StoryView]:
        with importing():
            from azure.durable_functions import OrchestrationRuntimeStatus
            from azure.durable_functions.models.RpcManagementOptions import RpcManagementOptions

        # The SDK's own queries give the first hundred instances and no way to the rest
        # (azure-functions-durable-python #580).
        base = self._client._orchestration_bindings.rpc_base_url
        under_way = [OrchestrationRuntimeStatus(word) for word in _UNDER_WAY]
        views: dict[str, StoryView] = {}
        for options in (
            RpcManagementOptions(created_time_from=since),
            RpcManagementOptions(runtime_status=under_way),
        ):
            entries = await asyncio.to_thread(lambda url: list(_read(url)), options.to_url(base))
            views |= {view["instance_id"]: view for view in map(_view, map(_status, entries))}
        return sorted(views.values(), key=lambda view: str(view["created_at"]), reverse=True)

    async def forget(self, start: datetime, end: datetime) -> int:
        with importing():
            from azure.durable_functions import OrchestrationRuntimeStatus

        ended = [OrchestrationRuntimeStatus(word) for word in _ENDED]
        result = await self._on_host(self._client.purge_instance_history_by(start, end, ended))
        return int(result.instances_deleted)


def _is_id(text: str) -> bool:
    """Return whether a text is safe in a URL, because the SDK does not encode it."""
    return bool(INSTANCE_ID.accepts(text))


def _read(url: str) -> Iterator[Any]:
    """Yield the instances of every page of a query."""
    with importing():
        import requests

    token = ""
    while True:
        answer = requests.get(
            f"{url}&top={_PAGE}", headers={_NEXT: token} if token else {}, timeout=60
        )
        answer.raise_for_status()
        yield from answer.json()
        token = answer.headers.get(_NEXT, "")
        if not token or token == "null":
            return


def _status(entry: Any) -> Any:
    with importing():
        from azure.durable_functions.models.DurableOrchestrationStatus import (
            DurableOrchestrationStatus,
        )

    return DurableOrchestrationStatus.from_json(entry)


def _view(status: Any) -> StoryView:
    state = status.runtime_status.value if status.runtime_status else "Unknown"
    output = _parsed(status.output)
    outcome, step = outcome_of(status.name or "", state, output), _step(status.custom_status)
    ended = state in _ENDED
    return {
        "instance_id": status.instance_id,
        "story": status.name,
        "status": state,
        "ended": ended,
        "can_be_cancelled": can_be_cancelled(status.name or "", step and step["step"], ended=ended),
        "outcome": outcome.word,
        "tone": outcome.tone,
        "reasons": list(outcome.reasons),
        "facts": facts_of(status.name or "", _argument(status.input_), output, step),
        "step": step,
        "output": result_of(status.name or "", output),
        "created_at": _time(status.created_time),
        "updated_at": _time(status.last_updated_time),
    }


def _step(status: Any) -> StepView | None:
    """Return the custom status that `Trail` wrote, None for another one."""
    if isinstance(status, dict) and isinstance(status.get("trail"), list):
        return cast(StepView, status)
    return None


def _argument(value: object) -> Any:
    """Return the input of a story; a client of Python encodes it twice, others once."""
    for _ in range(2):
        if isinstance(value, str):
            try:
                value = json.loads(value)
            except ValueError:
                return None
    return value


def _parsed(value: object) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value.strip().splitlines()[0] if value.strip() else value


def _time(moment: Any) -> str | None:
    return None if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%SZ")
