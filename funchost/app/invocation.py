"""Calls functions of the app the way the Python worker does."""

from __future__ import annotations

import asyncio
import functools
import json
import logging
import threading
import uuid
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any

from funchost.app.host_json.spans import show_span
from funchost.app.indexing import HostedFunction
from funchost.app.json_text import check_depth, without_nan
from funchost.app.threads import Threads
from funchost.app.worker_checks import converter_of
from funchost.tracing import Spans, TraceContext

if TYPE_CHECKING:
    from azure.functions.meta import Datum

LOG = logging.getLogger("funchost.invocation")


# The worker sets `invocation_id` on it in the thread that runs a function.
_LOCAL = threading.local()


class FunctionTimeoutError(Exception):
    """Says in the real host's words that a function ran longer than functionTimeout."""


class FunctionExitedError(Exception):
    """Says that a function ended its process or its task instead of returning."""


@dataclass(frozen=True)
class RetryContext:
    """The attempt of an invocation, with the attributes that the worker gives."""

    retry_count: int = 0
    max_retry_count: int = 0
    rpc_exception: Exception | None = None


FIRST_ATTEMPT = RetryContext()


@dataclass(frozen=True)
class InvocationContext:
    """The context parameter of a function that declares one."""

    invocation_id: str
    function_name: str
    function_directory: str
    trace_context: TraceContext
    retry_context: RetryContext
    thread_local_storage: threading.local = _LOCAL


class Invoker:
    """Runs sync functions on threads and async ones on the loop."""

    def __init__(self, client_json: str, threads: int = 32) -> None:
        """Take the string that Durable client bindings receive, and how many threads to use."""
        self._client_json = client_json
        self.timeout: timedelta | None = None  # functionTimeout of host.json
        self.spans = Spans()
        self._threads = Threads(threads, "function")

    async def _bounded(self, name: str, call: Awaitable[object]) -> object:
        """Return the result of a call; FunctionTimeoutError when it takes too long."""
        if self.timeout is None:
            return await call
        try:
            async with asyncio.timeout(self.timeout.total_seconds()) as limit:
                return await call
        except TimeoutError:
            if not limit.expired():
                raise
            raise timed_out(name, self.timeout) from None

    async def _on_thread(
        self, name: str, call: Callable[..., object], *arguments: object
    ) -> object:
        """Return the result of a call on a thread; FunctionTimeoutError when it takes too long.

        A thread cannot be ended, so the function goes on then and its result is dropped.
        """
        running = self._threads.call(call, *arguments)
        try:
            return await self._bounded(name, asyncio.wrap_future(running))
        except FunctionTimeoutError:
            self.replace(running.thread)
            raise

    def replace(self, thread: int | None) -> None:
        """Let a new thread take the place of one whose function exceeded its limit."""
        self._threads.replace(thread)

    @staticmethod
    def value(function: HostedFunction, datum: Datum) -> object:
        """Return the trigger's value of a function, decoded from a Datum as the worker decodes it.

        ValueError when the function takes text and the trigger sends none.
        """
        converter = None if function.gets_text else converter_of(function.kind)
        if converter is not None:
            return converter.decode(datum, trigger_metadata={})
        if datum.type not in ("string", "bytes", "json"):
            words = 'unexpected type of data received for the "generic" binding '
            raise ValueError(words, repr(datum.type))
        return datum.value

    async def call(
        self,
        function: HostedFunction,
        value: Any,
        caller: str = "",
        retry: RetryContext = FIRST_ATTEMPT,
    ) -> Any:
        """Invoke one function and return its result; `caller` is a trace parent.

        RuntimeError when a function without an output returns a value, as in the real worker.
        """
        with logged(function.name), self.spans.span(function.name, caller) as trace:
            arguments = self._arguments(function, value, trace, retry)
            if function.is_async:
                result = await self._bounded(function.name, function.call(**arguments))
            else:
                result = await self._on_thread(function.name, run_sync, function, arguments)
            if result is not None and not function.has_output:
                raise RuntimeError(
                    f"function {function.name} without a $return binding returned a non-None value"
                )
            return result

    def _arguments(
        self,
        function: HostedFunction,
        value: Any,
        trace: str,
        retry: RetryContext = FIRST_ATTEMPT,
    ) -> dict[str, Any]:
        arguments: dict[str, Any] = {function.argument: value}
        for name in function.clients:
            arguments[name] = self._client_json
        if function.wants_context:
            arguments["context"] = InvocationContext(
                uuid.uuid4().hex,
                function.name,
                function.folder,
                TraceContext(trace),
                retry,
            )
        return arguments

    async def text(self, function: HostedFunction, text: str) -> str:
        """Invoke an entity function with the text of its batch; the SDK's wrapper is sync.

        FunctionTimeoutError when the batch takes too long.
        """
        with contained():
            return str(await self._on_thread(function.name, function.call, text))

    def submit(self, work: Callable[..., None], *arguments: object) -> None:
        """Run work on the threads of sync functions."""
        self._threads.start(partial(work, *arguments))

    def activity(self, function: HostedFunction, text: str | None, trace: str) -> str:
        """Invoke a sync activity, on this thread, with JSON text and return JSON text."""
        return _encoded(run_sync(function, self._arguments(function, _decoded(text), trace)))

    async def async_activity(self, function: HostedFunction, text: str | None, trace: str) -> str:
        """Invoke an async activity with JSON text and return JSON text."""
        return _encoded(await function.call(**self._arguments(function, _decoded(text), trace)))

    def close(self) -> None:
        """Drop waiting calls; running ones end with the process."""
        self._threads.close()
        self.spans.close()


def timed_out(name: str, limit: timedelta) -> FunctionTimeoutError:
    """Log, in the real host's words, that a function exceeded its limit; return the error."""
    shown = show_span(limit)
    LOG.error(
        "Timeout value of %s exceeded by function 'Functions.%s'. In Azure the worker process "
        "ends here, with every other function that it runs. A thread cannot be ended, so the code "
        "of this function may go on; its result is dropped",
        shown,
        name,
    )
    return FunctionTimeoutError(
        f"Timeout value of {shown} was exceeded by function: Functions.{name}"
    )


def run_sync(function: HostedFunction, arguments: Mapping[str, object]) -> object:
    """Call a function on this thread, whose local storage names the invocation meanwhile."""
    context = arguments.get("context")
    if not isinstance(context, InvocationContext):
        return function.call(**arguments)
    _LOCAL.invocation_id = context.invocation_id
    try:
        return function.call(**arguments)
    finally:
        _LOCAL.invocation_id = None


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


@functools.cache
def _coders() -> tuple[json.JSONDecoder, json.JSONEncoder]:
    """Return the worker's decoder and encoder of an activity's values, made once."""
    from azure.functions._durable_functions import (
        _deserialize_custom_object,
        _serialize_custom_object,
    )

    return (
        json.JSONDecoder(object_hook=_deserialize_custom_object),
        json.JSONEncoder(default=_serialize_custom_object),
    )


def _decoded(text: str | None) -> Any:
    if text is None:
        return None
    try:
        return _coders()[0].decode(text)
    except json.JSONDecodeError:
        return text


def _encoded(result: Any) -> str:
    try:
        encoded = _coders()[1].encode(result)
    except TypeError as error:
        raise ValueError(f"activity trigger output must be json serializable ({result})") from error
    check_depth(encoded)
    return without_nan(encoded)
