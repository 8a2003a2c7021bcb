"""The reason of a stopped run: its record, the same on both platforms, and its status."""

from typing import Any

from function_app.domain.training import OUT_OF_TIME, RunStatus

Stop = tuple[RunStatus, str]
# The records of earlier versions of this app have this word for every stop.
_DEADLINE = "deadline"


def stop_record(reason: str) -> dict[str, str]:
    """Return the record of a stop; the reason is "" when the run's time was over."""
    return {"reason": "cancelled", "detail": reason} if reason else {"reason": _DEADLINE}


def read_stop(record: dict[str, Any]) -> Stop:
    """Return the status of a run that was stopped, and the reason for people."""
    detail = record.get("detail")
    if isinstance(detail, str) and detail:
        return RunStatus.CANCELLED, f"This app stopped it. {detail}"
    return RunStatus.TIMED_OUT, OUT_OF_TIME
