# The part of azure-functions-durable 1.7 that this repository uses. The SDK has no types of its own
# (no py.typed). tests/architecture/test_stubs.py compares these with the installed SDK.
from abc import ABC
from collections.abc import Callable, Generator
from typing import Any, TypeAlias

import azure.functions as func
from azure.functions.decorators.function_app import FunctionBuilder

from .models import DurableOrchestrationContext as DurableOrchestrationContext
from .models.DurableOrchestrationClient import (
    DurableOrchestrationClient as DurableOrchestrationClient,
)
from .models.OrchestrationRuntimeStatus import (
    OrchestrationRuntimeStatus as OrchestrationRuntimeStatus,
)
from .models.RetryOptions import RetryOptions as RetryOptions

class Orchestrator:
    def __init__(
        self, activity_func: Callable[[DurableOrchestrationContext], Generator[Any, Any, Any]]
    ) -> None: ...
    @classmethod
    def create(
        cls, fn: Callable[[DurableOrchestrationContext], Generator[Any, Any, Any]]
    ) -> Callable[[Any], str]: ...

class ManagedIdentityTokenSource(ABC):
    def __init__(self, resource: str) -> None: ...
    def to_json(self) -> dict[str, str | int]: ...

_Decorator: TypeAlias = Callable[[Callable[..., object] | FunctionBuilder], FunctionBuilder]

class Blueprint(func.TriggerApi, func.BindingApi, func.SettingsApi):
    def __init__(self, http_auth_level: func.AuthLevel | str = ...) -> None: ...
    def orchestration_trigger(
        self, context_name: str, orchestration: str | None = None, input_type: type | None = None
    ) -> Callable[
        [Callable[[DurableOrchestrationContext], Generator[Any, Any, Any]]], FunctionBuilder
    ]: ...
    def activity_trigger(self, input_name: str, activity: str | None = None) -> _Decorator: ...
    def durable_client_input(
        self, client_name: str, task_hub: str | None = None, connection_name: str | None = None
    ) -> _Decorator: ...

class DFApp(Blueprint, func.FunctionRegister): ...
