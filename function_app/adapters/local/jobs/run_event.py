"""The event that tells the app of a run's end."""

import os
import sys
from pathlib import Path

from function_app.adapters.clock import SystemClock
from function_app.adapters.local.events import choose_events
from function_app.adapters.local.rows import LocalRows
from function_app.domain.event_types import RUN_COMPLETED
from function_app.domain.training import RunStatus
from function_app.errors import PlatformError
from function_app.records.inbox.inbox import StoredInbox


def publish(state: Path, run_id: str, model: str, status: RunStatus, tags: object) -> None:
    """Publish the status of a run; a failure is written to standard error."""
    endpoint, key = os.environ["MLOPS_TOPIC_ENDPOINT"], os.environ["MLOPS_TOPIC_KEY"]
    data = {
        "experimentName": model,
        "runId": run_id,
        "runStatus": status.value,
        "runTags": tags,
    }
    try:
        inbox = StoredInbox(LocalRows(state / "inbox.db"))
        events = choose_events(endpoint, key, inbox, SystemClock())
        events.publish(RUN_COMPLETED, f"experiments/local/runs/{run_id}", data)
    except PlatformError as error:
        print(error, file=sys.stderr)
