"""The events of local runs when the host has no topic, as under `func start`."""

from pathlib import Path

from function_app.adapters.local.rows import LocalRows
from function_app.domain.event_types import RUN_COMPLETED
from function_app.records.inbox.inbox import StoredInbox
from tests.adapters.test_interrupted_runs import RUN, Machine
from tests.funchost.conftest import until


def test_a_run_without_a_topic_puts_its_event_into_the_inbox(tmp_path: Path) -> None:
    machine, inbox = (
        Machine(tmp_path / "state"),
        StoredInbox(LocalRows(tmp_path / "state" / "inbox.db")),
    )

    machine.submit()

    def announced() -> list[str]:
        payloads = [event.payload for event in inbox.list_events()]
        assert all(payload["eventType"] == RUN_COMPLETED for payload in payloads)
        return [payload["data"]["runId"] for payload in payloads]

    until(lambda: RUN in announced(), "the event of the run", 120)
    until(lambda: machine.processes.find(f"run-{RUN}") is None, "the watcher to end")
    assert machine.processes.log_tail(f"run-{RUN}") == ""
