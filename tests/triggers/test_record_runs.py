"""The timer that reports figures also records the runs that ended."""

import asyncio
from pathlib import Path

from function_app.triggers.metrics import record_figures
from tests.triggers.office import KnownRuns, Office


class EndedRuns(KnownRuns):
    """Counts how often the app asks to record runs."""

    asked = 0

    def record_ended(self) -> int:
        self.asked += 1
        return 0


def test_runs_are_recorded_each_minute_also_without_an_exporter_of_figures(tmp_path: Path) -> None:
    office, jobs = Office(tmp_path), EndedRuns()
    office.ports.jobs = jobs

    asyncio.run(record_figures(office.invocation))

    assert jobs.asked == 1
