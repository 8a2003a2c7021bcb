"""Calls functions of the app the way the Python worker does."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from funchost.app.indexing import HostedFunction
from funchost.tracing import Spans, TraceContext

LOG = logging.getLogger("funchost.invocation")


class FunctionExitedError(Exception):
    """Says that a function ended its process or its task instead of returning."""


@dataclass(frozen=True)
class InvocationContext:
    """The context parameter of a function that declares one."""

    invocation_id: str
    function_name: str
    function_directory: str
    trace_context: TraceContext
    retry_context: Any = None
    thread_local_storage: Any = None


class Invoker:
    """Runs sync functions on threads and async ones on the loop."""

    def __init__(self, client_json: str, threads: int = 32) -> None:
        """Take the string that Durable client bindings receive, and how many threads to use."""
        self._client_json = client_json
        self.spans = Spans()
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="function")

    async def call(self, function: HostedFunction, value: Any, caller: str = "") -> Any:
        """Invoke one function and return its result; `caller` is a trace parent."""
        with logged(function.name), self.spans.span(function.name, caller) as trace:
            arguments = self._arguments(function, value, trace)
            if function.is_async:
                return await function.call(**arguments)
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, lambda: function.call(**arguments))

    def _arguments(self, function: HostedFunction, value: Any, trace: str) -> dict[str, Any]:
        arguments: dict[str, Any] = {function.argument: value}
        for name in function.clients:
            arguments[name] = self._client_json
        if function.wants_context:
            arguments["context"] = InvocationContext(
                uuid.uuid4().hex, function.name, os.getcwd(), TraceContext(trace)
            )
        return arguments

    async def text(self, function: HostedFunction, text: str) -> str:
        """Invoke an entity function with the text of its batch; the SDK's wrapper is sync."""
        loop = asyncio.get_running_loop()
        with contained():
            answer: str = await loop.run_in_executor(self._threads, function.call, text)
        return answer

    def submit(self, work: Callable[..., None], *arguments: Any) -> None:
        """Run work on the threads of sync functions."""
        self._threads.submit(work, *arguments)

    def activity(self, function: HostedFunction, text: str | None, trace: str) -> str:
        """Invoke a sync activity, on this thread, with JSON text and return JSON text."""
        return _encoded(function.call(**self._arguments(function, _decoded(text), trace)))

    async def async_activity(self, function: HostedFunction, text: str | None, trace: str) -> str:
        """Invoke an async activity with JSON text and return JSON text."""
        return _encoded(await function.call(**self._arguments(function, _decoded(text), trace)))

    def close(self) -> None:
        """Drop waiting calls; running ones end with the process."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self.spans.close()


@contextmanager
def contained() -> Iterator[None]:
    """Turn an exit of the app's code into FunctionExitedError.

    SystemExit would end the host, and CancelledError the task that waits for the function: no
    `except Exception` catches them. A cancellation of the host's own task is raised unchanged.
    """
    try:
        yield
    except SystemExit as error:
        raise FunctionExitedError(f"the function called sys.exit({error.code})") from error
    except asyncio.CancelledError as error:
        if _is_cancelled():
            raise
        raise FunctionExitedError("the function raised CancelledError") from error


def _is_cancelled() -> bool:
    """Return whether the host cancels the task that runs now; False outside of the loop."""
    try:
        task = asyncio.current_task()
    except RuntimeError:
        return False
    return task is not None and task.cancelling() > 0


@contextmanager
def logged(name: str, instance: str | None = None) -> Iterator[None]:
    """Log an invocation in the real host's words, with the orchestration that scheduled it."""
    begun, outcome = perf_counter(), "Failed"
    try:
        with contained():
            yield
        outcome = "Succeeded"
    finally:
        owner = f", Instance={instance}" if instance else ""
        spent = (perf_counter() - begun) * 1000
        LOG.info("Executed 'Functions.%s' (%s%s, Duration=%.0fms)", name, outcome, owner, spent)


def _decoded(text: str | None) -> Any:
    from azure.functions._durable_functions import _deserialize_custom_object

    if text is None:
        return None
    try:
        return json.loads(text, object_hook=_deserialize_custom_object)
    except json.JSONDecodeError:
        return text


def _encoded(result: Any) -> str:
    from azure.functions._durable_functions import _serialize_custom_object

    try:
        encoded = json.dumps(result, default=_serialize_custom_object)
    except TypeError as error:
        raise ValueError(
            f"activity trigger output must be json serializable ({result!r})"
        ) from error
    # The real host parses with Newtonsoft, which turns these into strings.
    return json.dumps(json.loads(encoded, parse_constant=lambda name: name))
