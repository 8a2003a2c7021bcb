from datetime import datetime
from typing import Any

from .history import HistoryEvent
from .RetryOptions import RetryOptions
from .Task import TaskBase, TimerTask

class DurableOrchestrationContext:
    # funchost builds a context and feeds its executor, as the worker's own code does.
    _histories: list[HistoryEvent]
    _input_expected_type: type | None
    _version: str | None
    _action_payload_v2: list[Any]
    def __init__(
        self,
        history: list[dict[Any, Any]],
        instanceId: str,
        isReplaying: bool,
        parentInstanceId: str,
        input: Any = None,
        upperSchemaVersion: int = 0,
        maximumShortTimerDuration: str | None = None,
        longRunningTimerIntervalDuration: str | None = None,
        upperSchemaVersionNew: int | None = None,
        **kwargs: Any,
    ) -> None: ...
    @property
    def histories(self) -> list[HistoryEvent]: ...
    @property
    def custom_status(self) -> Any: ...
    @property
    def instance_id(self) -> str: ...
    @property
    def current_utc_datetime(self) -> datetime: ...
    @current_utc_datetime.setter
    def current_utc_datetime(self, value: datetime) -> None: ...
    def get_input(self, expected_type: type | None = None) -> Any: ...
    def call_activity_with_retry(
        self,
        name: str,
        retry_options: RetryOptions,
        input_: Any = None,
        expected_type: type | None = None,
    ) -> TaskBase: ...
    def wait_for_external_event(self, name: str, expected_type: type | None = None) -> TaskBase: ...
    def create_timer(self, fire_at: datetime) -> TimerTask: ...
    # The elements are the tasks that this context made.
    def task_any(self, activities: list[Any]) -> TaskBase: ...
    def set_custom_status(self, status: Any) -> None: ...
    @staticmethod
    def _extract_version_from_history(history_events: list[HistoryEvent]) -> str | None: ...
