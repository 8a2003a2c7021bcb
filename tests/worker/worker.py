"""The Python worker process: Microsoft's worker library between a connection and the app.

`python worker.py SOCKET APP` runs in an environment that has the app's `local` extra and
azure-functions-runtime, without funchost. The Functions host speaks gRPC with this library through
a proxy; here the same requests arrive as pickled tuples, and the messages of the protocol are the
small classes below. They refuse field types that protobuf refuses.
"""

import asyncio
import json
import sys
import threading
import traceback
from multiprocessing.connection import Client, Connection
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any


class Message(SimpleNamespace):
    """A message of the worker's protocol that needs no behaviour."""


class BindingInfo(Message):
    # Direction and data type, as numbered in FunctionRpc.proto.
    undefined = 0
    out, inout = 1, 2


class StatusResult(Message):
    Failure, Success = 0, 1


KINDS = {"string": str, "json": str, "bytes": bytes, "int": int, "double": float}


class TypedData:
    """A value of one kind, or no value."""

    def __init__(self, **value: Any) -> None:
        if len(value) > 1:
            raise TypeError(f"TypedData has one kind, not {sorted(value)}")
        self._kind = next(iter(value), None)
        for kind, content in value.items():
            expected = KINDS.get(kind, Message)
            if not isinstance(content, expected):
                raise TypeError(f"bad type {type(content).__name__} for TypedData.{kind}")
            setattr(self, kind, content)

    def WhichOneof(self, group: str) -> str | None:  # noqa: N802, the name that protobuf has
        return self._kind


class ParameterBinding(Message):
    def WhichOneof(self, group: str) -> str:  # noqa: N802
        return "data"


class RpcHttp(Message):
    def __init__(self, **fields: Any) -> None:
        texts = [*fields["headers"].values(), fields.get("status_code", "")]
        if not all(isinstance(text, str) for text in texts):
            raise TypeError("RpcHttp takes texts as headers and status")
        super().__init__(**fields)


def protos() -> ModuleType:
    """Return the replacement for the library's module of generated messages."""
    module = ModuleType("protos")
    named = (BindingInfo, StatusResult, TypedData, ParameterBinding, RpcHttp)
    plain = (
        "FunctionMetadataResponse",
        "InvocationResponse",
        "RpcException",
        "RpcFunctionMetadata",
        "WorkerInitResponse",
        "WorkerMetadata",
    )
    for kind in (*named, *(type(name, (Message,), {}) for name in plain)):
        setattr(module, kind.__name__, kind)
    return module


class Worker:
    """Answers the host's requests on the event loop, many at a time."""

    def __init__(self, connection: Connection, app: Path) -> None:
        self._connection, self._app = connection, app
        self._sending = threading.Lock()

    async def index(self) -> list[tuple[str, str, list[str]]]:
        """Load the app; return name, id and raw bindings (JSON) of each function.

        RuntimeError with the library's message when it cannot index the app.
        """
        from azure_functions_runtime import handle_event
        from azure_functions_runtime.utils.threadpool import start_threadpool_executor

        start_threadpool_executor()
        init = Message(capabilities={}, function_app_directory=str(self._app))
        started = await handle_event.worker_init_request(
            Message(
                request=Message(worker_init_request=init),
                properties={"protos": protos(), "host": "127.0.0.1"},
            )
        )
        if started.result.status != StatusResult.Success:
            raise RuntimeError(started.result.exception.message)
        listed = await handle_event.functions_metadata_request(None)
        return [
            (f.name, f.function_id, list(f.raw_bindings))
            for f in listed.function_metadata_results or ()
        ]

    async def invoke(
        self,
        function_id: str,
        invocation_id: str,
        inputs: dict[str, tuple[str, Any]],
        trace_parent: str,
    ) -> tuple[bool, Any]:
        """Return True and the function's result, or False and the exception's message."""
        from azure_functions_runtime import handle_event

        data = [ParameterBinding(name=name, data=_typed(*value)) for name, value in inputs.items()]
        answer = await handle_event.invocation_request(
            Message(
                request=Message(
                    invocation_request=Message(
                        invocation_id=invocation_id,
                        function_id=function_id,
                        input_data=data,
                        trigger_metadata={},
                        trace_context=Message(
                            trace_parent=trace_parent, trace_state="", attributes={}
                        ),
                        retry_context=Message(retry_count=0, max_retry_count=0, exception=None),
                    )
                )
            )
        )
        if answer.result.status != StatusResult.Success:
            return False, answer.result.exception.message
        return True, _plain(answer.return_value)

    async def answer(self, number: int, request: tuple[Any, ...]) -> None:
        try:
            done = await (self.invoke(*request) if request else self._indexed())
        except Exception:
            done = False, traceback.format_exc()
        with self._sending:
            self._connection.send((number, *done))

    async def _indexed(self) -> tuple[bool, Any]:
        return True, await self.index()


def _typed(kind: str, content: Any) -> TypedData:
    if kind != "http":
        return TypedData(**{kind: content})
    # The host leaves the body out when the request has none.
    body = TypedData(bytes=content["body"]) if content["body"] else TypedData()
    return TypedData(http=RpcHttp(**{**content, "body": body}))


def _plain(value: TypedData | None) -> Any:
    kind = value.WhichOneof("data") if value is not None else None
    content: Any = getattr(value, kind) if kind else None
    if kind == "json":
        json.loads(content)  # the host parses it
    if kind == "http":
        return content.status_code, dict(content.headers), content.body.bytes
    return content


def main(address: str, app: Path) -> None:
    """Serve until the host closes the connection."""
    # Core Tools put the app's folder last on the path; this script's folder is not on it.
    del sys.path[0]
    sys.path.append(str(app))
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    with Client(address, "AF_UNIX") as connection:
        worker, tasks = Worker(connection, app), set[asyncio.Task[None]]()

        def begin(number: int, request: tuple[Any, ...]) -> None:
            task = loop.create_task(worker.answer(number, request))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        def read() -> None:
            try:
                while True:
                    loop.call_soon_threadsafe(begin, *connection.recv())
            except (EOFError, OSError):
                loop.call_soon_threadsafe(loop.stop)

        threading.Thread(target=read, daemon=True).start()
        loop.run_forever()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
