"""The pauses between the attempts of an activity, and the setting that shortens them."""

from datetime import UTC, datetime, timedelta

import pytest

from funchost.app.settings import SettingsError, read_environment
from funchost.durable import history as h
from funchost.durable.actions import Walk

NOW = datetime(2026, 1, 1, tzinfo=UTC)
RETRIED = {
    "actionType": 1,
    "functionName": "flaky",
    "input": "1",
    "retryOptions": {"maxNumberOfAttempts": 3, "firstRetryIntervalInMilliseconds": 2000},
}


@pytest.mark.parametrize(("scale", "seconds"), [(1.0, 2.0), (0.01, 0.02), (0.0, 0.0)])
def test_the_pause_before_the_next_attempt_is_scaled(scale: float, seconds: float) -> None:
    walk = Walk("i", "e", scale)
    started = {"EventType": h.ORCHESTRATOR_STARTED, "Timestamp": h.stamp(NOW)}
    begun = {"EventType": h.EXECUTION_STARTED}
    walk.feed([started, begun], [RETRIED])
    [scheduled] = walk.new

    failed = {"EventType": h.TASK_FAILED, "TaskScheduledId": scheduled["EventId"]}
    walk.feed([started, failed], [])

    [timer] = walk.new
    assert timer["EventType"] == h.TIMER_CREATED
    assert h.parse_stamp(timer["FireAt"]) == NOW + timedelta(seconds=seconds)


def test_the_host_takes_the_scale_from_its_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_environment().activity_scale == 1
    monkeypatch.setenv("FUNCHOST_ACTIVITY_RETRY_SCALE", "0.01")
    assert read_environment().activity_scale == 0.01
    monkeypatch.setenv("FUNCHOST_ACTIVITY_RETRY_SCALE", "quick")
    with pytest.raises(SettingsError, match=r"FUNCHOST_ACTIVITY_RETRY_SCALE is 'quick'"):
        read_environment()
