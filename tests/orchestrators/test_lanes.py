"""A story that waits for a lane goes on when it is woken, and also when the event is lost."""

from datetime import UTC, datetime, timedelta
from typing import Any

from function_app import steps
from function_app.domain.stories.lane import LaneHolder, LaneRequest
from function_app.orchestrators.shared.lanes import LONGEST_PAUSE, LaneEvents, enter_lane
from function_app.orchestrators.shared.trail import Trail
from tests.orchestrators.player import Player

NOW = datetime(2026, 1, 1, tzinfo=UTC)
REQUEST = LaneRequest(lane="train-m", owner="instance-1", since=NOW, hold=timedelta(hours=1))
BUSY = LaneHolder(owner="other", ahead=1, behind=2)
INSIDE = LaneHolder(owner="instance-1", ahead=0, behind=2, inside=True)


def enter(host: Player, events: LaneEvents | None = None) -> int:
    behind = host.play(enter_lane(host, Trail(host), REQUEST, events or LaneEvents(host)))
    assert isinstance(behind, int)
    return behind


def test_a_story_that_is_woken_enters_without_a_pause() -> None:
    host = Player({steps.take_lane.name: [BUSY, INSIDE]})

    assert enter(host) == INSIDE.behind
    assert host.current_utc_datetime == NOW
    assert [timer.cancelled for timer in host.timers] == [True]


def test_a_story_whose_event_is_lost_enters_at_its_next_poll() -> None:
    host = Player({steps.take_lane.name: [BUSY, BUSY, INSIDE]}, event_arrives=False)

    assert enter(host) == INSIDE.behind
    assert host.current_utc_datetime - NOW == timedelta(seconds=1 + 2)


def test_an_event_that_comes_before_the_turn_does_not_make_the_story_poll_without_pause() -> None:
    host = Player({steps.take_lane.name: [*10 * [BUSY], INSIDE]})

    enter(host)

    assert [timer.cancelled for timer in host.timers] == [True, *9 * [False]]
    pauses = [2.0**number for number in range(6)]
    waited = sum(pauses) + 3 * LONGEST_PAUSE.total_seconds()
    assert (host.current_utc_datetime - NOW).total_seconds() == waited


class Listening(Player):
    """A host that counts the listeners of the story."""

    listeners = 0

    def wait_for_external_event(self, name: str) -> Any:
        self.listeners += 1
        return name


def test_a_story_that_enters_a_lane_again_has_one_listener_for_its_turns() -> None:
    host = Listening({steps.take_lane.name: [BUSY, INSIDE]}, event_arrives=False)
    events = LaneEvents(host)
    enter(host, events)
    host.answers[steps.take_lane.name] = [BUSY, INSIDE]

    enter(host, events)

    assert host.listeners == 1
    events.of("another lane")
    assert host.listeners == 2
