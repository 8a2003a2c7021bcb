"""Runs the handlers of triggers in threads, so that none can block the host's event loop.

Ports block: they read files and databases and call Azure. On the host's loop a call of 2 seconds
would delay every other request and the timers of the host by 2 seconds. Each invocation therefore
has a thread with an event loop of its own, and may call any port directly.
"""

import asyncio
import contextvars
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")
# Invocations that run at once; more wait. A thread costs memory only while it runs.
MOST = 64
_POOL = ThreadPoolExecutor(MOST, thread_name_prefix="handler")


async def run_apart(handle: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Return the result of a coroutine that runs in a thread with an event loop of its own.

    It sees the context variables of the caller, such as the current span. When the caller is
    cancelled, because a client closed its connection, the coroutine goes on to its end.
    """
    context = contextvars.copy_context()
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_POOL, context.run, _run, handle)


def _run(handle: Callable[[], Coroutine[Any, Any, T]]) -> T:
    return asyncio.run(handle())
