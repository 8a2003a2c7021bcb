from datetime import datetime

from .OrchestrationRuntimeStatus import OrchestrationRuntimeStatus

class RpcManagementOptions:
    def __init__(
        self,
        instance_id: str | None = None,
        task_hub_name: str | None = None,
        connection_name: str | None = None,
        show_history: bool | None = None,
        show_history_output: bool | None = None,
        created_time_from: datetime | None = None,
        created_time_to: datetime | None = None,
        runtime_status: list[OrchestrationRuntimeStatus] | None = None,
        show_input: bool | None = None,
        operation_name: str | None = None,
        entity_Id: object = None,
        instance_id_prefix: str | None = None,
    ) -> None: ...
    def to_url(self, base_url: str | None) -> str: ...
