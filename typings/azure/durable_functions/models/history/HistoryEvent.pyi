from typing import Any

class HistoryEvent:
    def __init__(
        self, EventType: Any, EventId: int, IsPlayed: bool, Timestamp: str, **kwargs: Any
    ) -> None: ...
    @property
    def event_id(self) -> int: ...
