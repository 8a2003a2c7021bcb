from datetime import datetime
from typing import Any

from .DurableOrchestrationBindings import DurableOrchestrationBindings
from .DurableOrchestrationStatus import DurableOrchestrationStatus
from .OrchestrationRuntimeStatus import OrchestrationRuntimeStatus
from .PurgeHistoryResult import PurgeHistoryResult

class DurableOrchestrationClient:
    _orchestration_bindings: DurableOrchestrationBindings
    def __init__(self, context: str, function_invocation_id: str | None = None) -> None: ...
    async def start_new(
        self,
        orchestration_function_name: str,
        instance_id: str | None = None,
        client_input: Any = None,
        version: str | None = None,
    ) -> str: ...
    async def raise_event(
        self,
        instance_id: str,
        event_name: str,
        event_data: Any = None,
        task_hub_name: str | None = None,
        connection_name: str | None = None,
    ) -> None: ...
    async def get_status(
        self,
        instance_id: str,
        show_history: bool = False,
        show_history_output: bool = False,
        show_input: bool = False,
    ) -> DurableOrchestrationStatus: ...
    async def purge_instance_history_by(
        self,
        created_time_from: datetime | None = None,
        created_time_to: datetime | None = None,
        runtime_status: list[OrchestrationRuntimeStatus] | None = None,
    ) -> PurgeHistoryResult: ...
