from datetime import datetime
from typing import Any

from .OrchestrationRuntimeStatus import OrchestrationRuntimeStatus

class DurableOrchestrationStatus:
    def __init__(
        self,
        name: str | None = None,
        instanceId: str | None = None,
        createdTime: str | None = None,
        lastUpdatedTime: str | None = None,
        input: Any = None,
        output: Any = None,
        runtimeStatus: OrchestrationRuntimeStatus | None = None,
        customStatus: Any = None,
        history: list[Any] | None = None,
        **kwargs: object,
    ) -> None: ...
    def __bool__(self) -> bool: ...
    @classmethod
    def from_json(cls, json_obj: Any) -> DurableOrchestrationStatus: ...
    @property
    def name(self) -> str | None: ...
    @property
    def instance_id(self) -> str | None: ...
    @property
    def created_time(self) -> datetime | None: ...
    @property
    def last_updated_time(self) -> datetime | None: ...
    @property
    def input_(self) -> Any: ...
    @property
    def output(self) -> Any: ...
    @property
    def runtime_status(self) -> OrchestrationRuntimeStatus | None: ...
    @property
    def custom_status(self) -> Any: ...
