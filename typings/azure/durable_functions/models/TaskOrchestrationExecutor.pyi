from collections.abc import Callable
from typing import Any

from .DurableOrchestrationContext import DurableOrchestrationContext
from .history import HistoryEvent

class TaskOrchestrationExecutor:
    context: DurableOrchestrationContext
    def __init__(self) -> None: ...
    def execute(
        self,
        context: DurableOrchestrationContext,
        history: list[HistoryEvent],
        fn: Callable[..., Any],
    ) -> str: ...
    def process_event(self, event: HistoryEvent) -> None: ...
    def get_orchestrator_state_str(self) -> str: ...
    @property
    def has_execution_completed(self) -> bool: ...
