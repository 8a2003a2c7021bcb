"""Lanes on both platforms: so many stories are inside as a lane holds, others wait in order."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import cast

import pytest

from function_app.activities.lanes import leave_lane
from function_app.domain.stories.lane import LanePosition, LaneRequest
from function_app.errors import PlatformError
from function_app.ports import Ledger, Ports
from function_app.records.ledger.ledger import StoredLedger
from tests.contracts.ledger_samples import EVERYWHERE, NOW, ledger, rows
from tests.contracts.memory_rows import MemoryRows
from tests.triggers.office import RememberedStories

__all__ = ["ledger", "rows"]


@dataclass
class OnlyLedger:
    ledger: Ledger


@EVERYWHERE
def test_one_is_in_a_lane_and_the_others_wait_in_order(ledger: Ledger) -> None:
    def take(owner: str, minutes: int = 0) -> tuple[str, int]:
        request = LaneRequest(lane="l", owner=owner, since=NOW, hold=timedelta(hours=1))
        holder = ledger.take_lane(request, NOW + timedelta(minutes=minutes))
        return holder.owner, holder.ahead

    with ThreadPoolExecutor(8) as pool:
        holders = {owner for owner, _ in pool.map(lambda i: take(f"o{i}"), range(20))}
    assert len(holders) == 1
    for number in range(20):
        ledger.leave_lane("l", f"o{number}")

    assert [take("a"), take("b"), take("c"), take("a")] == [("a", 0), ("a", 1), ("a", 2), ("a", 0)]
    request = LaneRequest(lane="l", owner="a", since=NOW, hold=timedelta(hours=1))
    assert ledger.take_lane(request, NOW).behind == 2
    ledger.leave_lane("l", "a")
    assert take("c") == ("b", 1)
    assert take("c", minutes=4) == ("b", 1)
    assert take("c", minutes=6) == ("c", 0), "b asked no more and lost its place"


def test_the_holder_of_a_lane_keeps_it_until_its_lease_ends(ledger: Ledger) -> None:
    def take(owner: str, minutes: int) -> str:
        request = LaneRequest(lane="l", owner=owner, since=NOW, hold=timedelta(hours=1))
        return ledger.take_lane(request, NOW + timedelta(minutes=minutes)).owner

    take("a", 0)

    assert [take("b", 59), take("b", 61)] == ["a", "b"]


def test_places_are_by_when_a_story_began_but_nobody_is_put_out(ledger: Ledger) -> None:
    def take(owner: str, began: int) -> tuple[str, int, int]:
        since = NOW + timedelta(seconds=began)
        request = LaneRequest(lane="l", owner=owner, since=since, hold=timedelta(hours=1))
        holder = ledger.take_lane(request, NOW)
        return holder.owner, holder.ahead, holder.behind

    assert take("second", 2) == ("second", 0, 0)
    assert take("third", 3) == ("second", 1, 0)
    assert take("first", 1) == ("second", 1, 1)
    ledger.leave_lane("l", "second")

    assert take("third", 3) == ("first", 1, 0)


def test_a_lane_lets_in_as_many_as_it_holds(ledger: Ledger) -> None:
    def take(owner: str) -> tuple[int, bool]:
        request = LaneRequest(lane="l", owner=owner, since=NOW, hold=timedelta(hours=1), capacity=2)
        holder = ledger.take_lane(request, NOW)
        return holder.ahead, holder.inside

    assert [take("a"), take("b"), take("c")] == [(0, True), (1, True), (2, False)]
    ledger.leave_lane("l", "a")
    ledger.leave_lane("l", "a")
    ledger.leave_lane("nobody was in it", "a")

    assert [take("c"), take("a"), take("b")] == [(1, True), (2, False), (0, True)]


@EVERYWHERE
def test_never_more_are_inside_than_a_lane_holds_however_many_ask(ledger: Ledger) -> None:
    def take(number: int) -> bool:
        request = LaneRequest(
            lane="l", owner=f"o{number}", since=NOW, hold=timedelta(hours=1), capacity=3
        )
        return ledger.take_lane(request, NOW).inside

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(take, range(24))) == 3

    places = ledger.list_lanes()
    assert len(places) == 24
    assert [place.inside for place in places] == [True] * 3 + [False] * 21


def test_leaving_a_lane_wakes_as_many_stories_as_fit(ledger: Ledger) -> None:
    def request(owner: str, lane: str = "l") -> LaneRequest:
        hold = timedelta(hours=1)
        return LaneRequest(lane=lane, owner=owner, since=NOW, hold=hold, capacity=2)

    def leave(owner: str) -> list[tuple[str, str]]:
        stories, ports = RememberedStories(), cast(Ports, OnlyLedger(ledger))
        asyncio.run(leave_lane(ports, request(owner), stories))
        return stories.woken

    for owner in ("a", "b", "c", "d", "e"):
        ledger.take_lane(request(owner), NOW)
    for owner in ("x", "y", "z"):
        ledger.take_lane(request(owner, "other"), NOW)

    assert leave("a") == [("c", "Lane-l")]
    # The activity runs at least once; c has not asked again yet.
    assert leave("a") == [("c", "Lane-l")]
    assert leave("b") == [("c", "Lane-l"), ("d", "Lane-l")]
    assert ledger.take_lane(request("c"), NOW).inside
    assert leave("e") == [("d", "Lane-l")]
    assert ledger.take_lane(request("d"), NOW).inside
    assert (leave("c"), leave("d"), leave("nobody")) == ([], [], [])


@EVERYWHERE
def test_lanes_are_listed_with_those_inside_first(ledger: Ledger) -> None:
    def take(lane: str, owner: str, began: int) -> None:
        since = NOW + timedelta(seconds=began)
        request = LaneRequest(lane=lane, owner=owner, since=since, hold=timedelta(hours=1))
        ledger.take_lane(request, NOW)

    for lane, owner, began in (("x/y", "late", 9), ("x/y", "soon", 1), ("a", "only", 5)):
        take(lane, owner, began)

    def lane_position(lane: str, owner: str, began: int, inside: bool) -> LanePosition:
        since = NOW + timedelta(seconds=began)
        return LanePosition(lane=lane, owner=owner, since=since, inside=inside)

    assert ledger.list_lanes() == (
        lane_position("a", "only", 5, True),
        lane_position("x/y", "late", 9, True),
        lane_position("x/y", "soon", 1, False),
    )


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"owner": 1}'])
def test_an_entry_that_cannot_be_read_is_named_and_hides_no_other(
    ledger: StoredLedger, rows: MemoryRows, text: str
) -> None:
    def take(owner: str, lane: str = "l") -> bool:
        request = LaneRequest(lane=lane, owner=owner, since=NOW, hold=timedelta(hours=1))
        return ledger.take_lane(request, NOW).inside

    for owner in ("a", "b"):
        take(owner)
    take("c", "other")
    rows.damage("lanes", "l/a", text)

    assert [(p.lane, p.owner) for p in ledger.list_lanes()] == [("l", "b"), ("other", "c")]
    [(name, problem)] = ledger.list_damaged()
    assert (name, "Nothing enters its lane." in problem) == ("lane entry l/a", True)
    # Its owner may be inside, so that no other story enters; the owner itself rewrites the entry.
    with pytest.raises(PlatformError, match="could not read l/a"):
        take("b")
    assert take("a")
    assert not take("b")
    ledger.leave_lane("l", "a")
    assert take("b")
    assert ledger.list_damaged() == ()


def test_the_names_of_lanes_do_not_mix(ledger: StoredLedger) -> None:
    for lane in ("l", "l/a", "l%2Fa", "l-a", "ü"):
        request = LaneRequest(lane=lane, owner="a", since=NOW, hold=timedelta(hours=1))
        assert ledger.take_lane(request, NOW).inside

    assert {place.lane for place in ledger.list_lanes()} == {"l", "l/a", "l%2Fa", "l-a", "ü"}


def test_entries_that_expired_are_removed(ledger: StoredLedger, rows: MemoryRows) -> None:
    for number in range(120):
        request = LaneRequest(lane="l", owner=f"o{number}", since=NOW, hold=timedelta(minutes=1))
        ledger.take_lane(request, NOW)
    last = LaneRequest(lane="l", owner="last", since=NOW, hold=timedelta(hours=1))

    for _ in range(2):
        assert ledger.take_lane(last, NOW + timedelta(hours=1)).inside

    assert [row.key for row in rows.query("lanes")] == ["l/", "l/last"]
