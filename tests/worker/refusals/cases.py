"""Small apps that Microsoft's worker serves or refuses: the source of each function_app.py by name.

A function that shows its arguments raises an exception, because the worker returns its message for
every kind of trigger.
"""

HTTP = """
import azure.functions as func
app = func.FunctionApp()
"""
DURABLE = """
import azure.durable_functions as df
import azure.functions as func
app = df.DFApp()
"""
ROUTE = HTTP + "@app.route(route='f')\n"
EVENT = HTTP + "@app.event_grid_trigger(arg_name='event')\n"
TIMER = HTTP + "@app.timer_trigger(arg_name='timer', schedule='0 0 0 * * *')\n"
ACTIVITY = DURABLE + "@app.activity_trigger(input_name='n')\n"
CLIENT = DURABLE + "@app.route(route='f')\n@app.durable_client_input(client_name='client')\n"
SHOW = "raise ValueError(f'{type(%s).__name__} {%s!r}')"


def show(name: str) -> str:
    """Return a body that shows a parameter."""
    return " " + SHOW % (name, name) + "\n"


CASES: dict[str, str] = {
    # Return annotations of an HTTP function.
    "return-response": ROUTE + "def f(req) -> func.HttpResponse: ...",
    "return-str": ROUTE + "def f(req) -> str: ...",
    "return-quoted": ROUTE + "def f(req) -> 'func.HttpResponse': ...",
    "return-union": ROUTE + "def f(req) -> func.HttpResponse | str: ...",
    "return-typing-union": "import typing\n"
    + ROUTE
    + "def f(req) -> typing.Union[func.HttpResponse, str]: ...",
    "return-optional": "import typing\n"
    + ROUTE
    + "def f(req) -> typing.Optional[func.HttpResponse]: ...",
    "return-dict": ROUTE + "def f(req) -> dict: ...",
    "return-generic": ROUTE + "def f(req) -> dict[str, int]: ...",
    "return-typing-generic": "import typing\n" + ROUTE + "def f(req) -> typing.Dict[str, int]: ...",
    "return-none": ROUTE + "def f(req) -> None: ...",
    "return-bytes": ROUTE + "def f(req) -> bytes: ...",
    "return-any": "import typing\n" + ROUTE + "def f(req) -> typing.Any: ...",
    "return-out": ROUTE + "def f(req) -> func.Out[str]: ...",
    "return-no-return": "import typing\n" + ROUTE + "def f(req) -> typing.NoReturn: ...",
    "return-of-a-timer": TIMER + "def f(timer) -> func.HttpResponse | str: ...",
    "return-of-an-activity": ACTIVITY + "def f(n) -> int | None: ...",
    # Parameters that no decorator binds, and bindings without a parameter.
    "default": ROUTE + "def f(req, limit=10): ...",
    "keyword-default": ROUTE + "def f(req, *, limit: int = 10): ...",
    "default-of-an-activity": ACTIVITY + "def f(n, limit=10): ...",
    "default-of-a-timer": TIMER + "def f(timer, limit=10): ...",
    "default-of-the-request": ROUTE + "def f(req=None): ...",
    "star-arguments": ROUTE + "def f(req, *args): ...",
    "star-keywords": EVENT + "def f(event, **more): ...",
    "two-unbound": ROUTE + "def f(req, a, b): ...",
    "unbound-name": ROUTE + "def f(request): ...",
    "no-parameter": ROUTE + "def f(): ...",
    "no-client-parameter": CLIENT + "async def f(req): ...",
    # Names that exist for a type checker only.
    "type-checking": "from __future__ import annotations\nfrom typing import TYPE_CHECKING\n"
    + "if TYPE_CHECKING:\n from decimal import Decimal\n"
    + ACTIVITY
    + "def f(n: Decimal): ...",
    "type-checking-return": "from __future__ import annotations\nfrom typing import TYPE_CHECKING\n"
    + HTTP
    + "if TYPE_CHECKING:\n from azure.functions import HttpResponse\n"
    + "@app.route(route='f')\ndef f(req) -> HttpResponse: ...",
    "type-checking-body": "from typing import TYPE_CHECKING\n"
    + "if TYPE_CHECKING:\n from decimal import Decimal\n"
    + ROUTE
    + "def f(req):\n x: 'Decimal' = 1\n return str(x)",
    "unknown-name": ROUTE + "def f(req: 'Request'): ...",
    "unknown-name-of-the-context": ROUTE + "def f(req, context: 'Context'): ...",
    "unknown-name-of-the-client": CLIENT + "async def f(req, client: 'Client'): ...",
    "unknown-name-of-an-orchestrator": DURABLE
    + "@app.orchestration_trigger(context_name='context')\n"
    + "def f(context: 'Nothing') -> 'Nothing': yield",
    # The app object.
    "second-name": ROUTE + "def f(req): ...\napplication = app",
    "second-app": ROUTE + "def f(req): ...\nother = func.FunctionApp()",
    "second-kind-of-app": "import azure.durable_functions as df\n"
    + ROUTE
    + "def f(req): ...\nother = df.DFApp()",
    "no-app": "x = 1",
    "blueprint": "import azure.functions as func\nbp = func.Blueprint()\n"
    + "@bp.route(route='f')\ndef f(req): ...\n"
    + "app = func.FunctionApp()\napp.register_functions(bp)",
    "blueprint-alone": "import azure.functions as func\nbp = func.Blueprint()\n"
    + "@bp.route(route='f')\ndef f(req): ...",
    "private-second-name": ROUTE + "def f(req): ...\n_app = app",
    "app-in-a-list": ROUTE + "def f(req): ...\napps = [app]",
    # Callables that are no functions.
    "callable-object": HTTP
    + "class F:\n __name__ = 'f'\n def __call__(self, req): ...\n"
    + "app.route(route='f')(F())",
    "callable-annotated-object": HTTP
    + "class F:\n __name__ = 'f'\n __annotations__ = {}\n def __call__(self, req): ...\n"
    + "app.route(route='f')(F())",
    "partial": "import functools\n"
    + HTTP
    + "def g(limit, req): ...\np = functools.partial(g, 1)\np.__name__ = 'f'\n"
    + "app.route(route='f')(p)",
    "lambda": HTTP + "g = lambda req: 'x'\ng.__name__ = 'f'\napp.route(route='f')(g)",
    "method": HTTP + "class F:\n def f(self, req): ...\napp.route(route='f')(F().f)",
    "class": HTTP + "class f:\n def __init__(self, req): ...\napp.route(route='f')(f)",
    "wrapper": HTTP
    + "def plain(g):\n def f(*args, **kwargs): return g(*args, **kwargs)\n return f\n"
    + "@app.route(route='f')\n@plain\ndef f(req): ...",
    "wrapper-with-wraps": "import functools\n"
    + HTTP
    + "def good(g):\n @functools.wraps(g)\n def h(*args, **kwargs): return g(*args, **kwargs)\n"
    + " return h\n@app.route(route='f')\n@good\ndef f(req: func.HttpRequest) -> str: ...",
    # Types of the trigger's parameter.
    "request": ROUTE + "def f(req: func.HttpRequest):\n" + show("req.get_body()"),
    "request-str": ROUTE + "def f(req: str):\n" + show("req"),
    "request-bytes": ROUTE + "def f(req: bytes):\n" + show("req"),
    "request-dict": ROUTE + "def f(req: dict): ...",
    "request-any": "import typing\n" + ROUTE + "def f(req: typing.Any): ...",
    "request-optional": "import typing\n" + ROUTE + "def f(req: typing.Optional[str]): ...",
    "request-generic": "import typing\n" + ROUTE + "def f(req: typing.Dict[str, int]): ...",
    "request-subclass": HTTP
    + "class Request(func.HttpRequest): ...\n@app.route(route='f')\ndef f(req: Request): ...",
    "request-out": ROUTE + "def f(req: func.Out[str]): ...",
    "request-json": ROUTE + "def f(req: func.HttpRequest):\n req.get_json()",
    "event": EVENT + "def f(event: func.EventGridEvent):\n raise ValueError(type(event).__name__)",
    "event-cloud": EVENT + "def f(event: func.CloudEvent): ...",
    "event-dict": EVENT + "def f(event: dict): ...",
    "event-str": EVENT + "def f(event: str):\n" + show("event"),
    "event-bytes": EVENT + "def f(event: bytes):\n" + show("event"),
    "event-str-subclass": EVENT.replace("@", "class S(str): ...\n@", 1) + "def f(event: S): ...",
    "event-union": EVENT + "def f(event: func.EventGridEvent | func.CloudEvent): ...",
    "event-list": "import typing\n" + EVENT + "def f(event: typing.List[func.EventGridEvent]): ...",
    "timer": TIMER + "def f(timer: func.TimerRequest):\n raise ValueError(type(timer).__name__)",
    "timer-dict": TIMER + "def f(timer: dict): ...",
    "timer-str": TIMER + "def f(timer: str):\n" + show("timer"),
    "timer-optional": TIMER + "def f(timer: func.TimerRequest | None): ...",
    "timer-returns": TIMER + "def f(timer): return 'x'",
    "activity-int": ACTIVITY + "def f(n: int):\n" + show("n"),
    "activity-str": ACTIVITY + "def f(n: str):\n" + show("n"),
    "activity-dict": ACTIVITY + "def f(n: dict): ...",
    "activity-list": ACTIVITY + "def f(n: list[int]): ...",
    "activity-typing-list": "import typing\n" + ACTIVITY + "def f(n: typing.List[int]): ...",
    "activity-typing-tuple": "import typing\n" + ACTIVITY + "def f(n: typing.Tuple[int, int]): ...",
    "activity-tuple": ACTIVITY + "def f(n: tuple[int, int]): ...",
    "activity-optional": "import typing\n" + ACTIVITY + "def f(n: typing.Optional[int]): ...",
    "activity-union": ACTIVITY + "def f(n: int | str): ...",
    "activity-literal": "import typing\n" + ACTIVITY + "def f(n: typing.Literal['a']): ...",
    "activity-any": "import typing\n" + ACTIVITY + "def f(n: typing.Any): ...",
    "activity-annotated": "import typing\n"
    + ACTIVITY
    + "def f(n: typing.Annotated[int, 'x']): ...",
    "activity-callable": "import typing\n"
    + ACTIVITY
    + "def f(n: typing.Callable[[int], int]): ...",
    "activity-new-type": "import typing\nN = typing.NewType('N', int)\n"
    + ACTIVITY
    + "def f(n: N): ...",
    "activity-type-variable": "import typing\nT = typing.TypeVar('T')\n"
    + ACTIVITY
    + "def f(n: T) -> T: ...",
    "activity-dataclass": "import dataclasses\n@dataclasses.dataclass\nclass N:\n x: int\n"
    + ACTIVITY
    + "def f(n: N): ...",
    "activity-none": ACTIVITY + "def f(n: None): ...",
    "activity-number": ACTIVITY + "def f(n: 5): ...",
    # The context parameter.
    "context": ROUTE
    + "def f(req, context: func.Context):\n"
    + " r = context.retry_context\n"
    + " raise ValueError([context.function_name, context.thread_local_storage.invocation_id"
    + " == context.invocation_id, r.retry_count, r.max_retry_count, r.rpc_exception])",
    "context-plain": ROUTE + "def f(req, context): ...",
    "context-dict": ROUTE + "def f(req, context: dict): ...",
    "context-default": ROUTE + "def f(req, context=None): ...",
    "context-own-class": HTTP
    + "class Context: ...\n@app.route(route='f')\ndef f(req, context: Context): ...",
    "context-optional": ROUTE + "def f(req, context: func.Context | None): ...",
    "context-of-an-activity": ACTIVITY + "def f(n, context: func.Context): ...",
    "context-of-a-client": CLIENT + "async def f(req, client, context: dict): ...",
    # Durable functions.
    "client": CLIENT + "async def f(req, client: df.DurableOrchestrationClient): ...",
    "client-not-async": CLIENT + "def f(req, client): ...",
    "client-default": CLIENT + "async def f(req, client=None): ...",
    "orchestrator": DURABLE
    + "@app.orchestration_trigger(context_name='context')\ndef f(context): yield",
    "orchestrator-annotated": DURABLE
    + "@app.orchestration_trigger(context_name='context')\ndef f(context: dict) -> list[int]: yield",
    "orchestrator-other-name": DURABLE
    + "@app.orchestration_trigger(context_name='ctx')\ndef f(ctx): yield",
    "orchestrator-more": DURABLE
    + "@app.orchestration_trigger(context_name='context')\ndef f(context, limit=1): yield",
    "entity": DURABLE + "@app.entity_trigger(context_name='context')\ndef f(context): ...",
    "entity-other-name": DURABLE + "@app.entity_trigger(context_name='ctx')\ndef f(ctx): ...",
    # One refused function, and faults that the SDK finds.
    "one-of-three": ROUTE
    + "def f(req): ...\n@app.route(route='g')\ndef g(req, limit=1): ...\n"
    + "@app.route(route='h')\ndef h(req): ...",
    "same-name": ROUTE + "def f(req): ...\n@app.route(route='g')\ndef f(req): ...",
    "empty-app": HTTP,
    # Other callables.
    "positional-only": ROUTE + "def f(req, /): ...",
    "async-generator": ROUTE + "async def f(req): yield 'x'",
    "async-generator-annotated": "import collections.abc as c\n"
    + ROUTE
    + "async def f(req) -> c.AsyncGenerator[str, None]: yield 'x'",
    "static-method": HTTP + "def f(req): ...\napp.route(route='f')(staticmethod(f))",
    "class-body": HTTP + "class F:\n @app.route(route='f')\n def f(self, req): ...",
    "cached": "import functools\n" + ACTIVITY + "@functools.cache\ndef f(n: int): ...",
    "partial-with-wraps": "import functools\n"
    + HTTP
    + "def g(req, a): ...\np = functools.partial(g, a=1)\nfunctools.update_wrapper(p, g)\n"
    + "app.route(route='f')(p)",
    "built-in": HTTP + "app.function_name('f')(app.route(route='f')(print))",
    "wraps-another-signature": "import functools\n"
    + HTTP
    + "def deco(g):\n @functools.wraps(g)\n def w(req): return g(req, 1)\n return w\n"
    + "@app.route(route='f')\n@deco\ndef f(req, user): ...",
    # Annotations that raise when they are evaluated.
    "division": ROUTE + "def f(req: '1/0'): ...",
    "unknown-attribute": "from __future__ import annotations\n"
    + HTTP
    + "import decimal\n@app.route(route='f')\ndef f(req: decimal.NoSuch): ...",
    "list-of-a-class": ROUTE + "def f(req: [func.HttpRequest]): ...",
    "local-class": "from __future__ import annotations\n"
    + HTTP
    + "def make():\n class N: ...\n @app.route(route='f')\n def f(req: N): ...\nmake()",
    # Outputs.
    "output-class": HTTP
    + "@app.route(route='f', binding_arg_name='r')\ndef f(req, r: func.HttpResponse): ...",
    "output-type": HTTP
    + "@app.route(route='f', binding_arg_name='r')\ndef f(req, r: func.Out[int]): ...",
    "output-bare": HTTP
    + "@app.route(route='f', binding_arg_name='r')\ndef f(req, r: func.Out): ...",
    "queue-type": ROUTE
    + "@app.queue_output(arg_name='m', queue_name='q', connection='c')\n"
    + "def f(req, m: func.Out[int]): ...",
    "queue-text": ROUTE
    + "@app.queue_output(arg_name='m', queue_name='q', connection='c')\n"
    + "def f(req, m: str): ...",
    # Blueprints, and faults that the SDK finds when it lists the functions.
    "refused-in-a-blueprint": "import azure.functions as func\nbp = func.Blueprint()\n"
    + "@bp.route(route='f')\ndef f(req, limit=3): ...\n"
    + "app = func.FunctionApp()\napp.register_functions(bp)",
    "late-blueprint": "import azure.functions as func\nbp = func.Blueprint()\n"
    + "app = func.FunctionApp()\napp.register_functions(bp)\n@bp.route(route='f')\ndef f(req): ...",
    "blueprint-twice": "import azure.functions as func\nbp = func.Blueprint()\n"
    + "@bp.route(route='f')\ndef f(req): ...\napp = func.FunctionApp()\n"
    + "app.register_functions(bp)\napp.register_functions(bp)",
    "own-class-of-app": "import azure.functions as func\nclass A(func.FunctionApp): ...\napp = A()\n"
    + "@app.route(route='f')\ndef f(req): ...",
    "no-trigger": HTTP + "@app.function_name('f')\ndef f(req): ...",
    "client-alone": DURABLE
    + "@app.durable_client_input(client_name='client')\nasync def f(client): ...",
    "asgi": "import azure.functions as func\nasync def asgi(scope, receive, send): ...\n"
    + "app = func.AsgiFunctionApp(app=asgi)",
    "generic-timer": HTTP
    + "@app.generic_trigger(arg_name='t', type='timerTrigger', schedule='0 0 0 * * *')\n"
    + "def f(t: func.TimerRequest): ...",
    "generic-unknown": HTTP
    + "@app.generic_trigger(arg_name='x', type='magicTrigger')\ndef f(x: dict): ...",
}
# The call that shows a function's arguments: function, kind of TypedData, content.
CALLS: dict[str, tuple[str, str, str]] = {
    "request": ("req", "http", ""),
    "request-str": ("req", "http", ""),
    "request-bytes": ("req", "http", ""),
    "request-json": ("req", "http", ""),
    "event": ("event", "json", '{"id":"1","data":{}}'),
    "event-str": ("event", "json", '{"id":"1","data":{}}'),
    "event-bytes": ("event", "json", '{"id":"1","data":{}}'),
    "timer": ("timer", "json", '{"Schedule":{},"ScheduleStatus":null,"IsPastDue":true}'),
    "timer-str": ("timer", "json", '{"Schedule":{},"ScheduleStatus":null,"IsPastDue":true}'),
    "activity-int": ("n", "string", "5"),
    "activity-str": ("n", "string", "5"),
    "context": ("req", "http", ""),
}
