"""The nights of a challenger and a champion are stored once each, in the order of arrival."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from function_app.domain.codec import dump
from function_app.domain.gating.nights import Night
from function_app.errors import PlatformError
from function_app.ports.rows import Put
from function_app.records.ledger import nights
from tests.contracts.memory_rows import MemoryRows

PAIR = ("diabetes", "4", "3")


def night(data: str, p_value: float = 0.25) -> Night:
    return Night(data=data, p_value=p_value, rows=442)


def test_each_night_is_added_behind_the_earlier_ones() -> None:
    rows = MemoryRows()
    assert nights.find(rows, *PAIR) == ()

    nights.add(rows, *PAIR, night("b"))

    assert nights.add(rows, *PAIR, night("a")) == (night("b"), night("a"))
    assert nights.find(rows, *PAIR) == (night("b"), night("a"))


@pytest.mark.parametrize("other", [("diabetes", "4", "2"), ("diabetes", "5", "3"), ("d", "4", "3")])
def test_each_pair_has_its_own_nights(other: tuple[str, str, str]) -> None:
    rows = MemoryRows()
    nights.add(rows, *PAIR, night("a"))

    assert nights.add(rows, *other, night("b")) == (night("b"),)


def test_the_same_data_is_no_second_night() -> None:
    rows = MemoryRows()
    nights.add(rows, *PAIR, night("a"))

    assert nights.add(rows, *PAIR, night("a", 0.001)) == (night("a"),)


def test_nights_at_the_same_time_are_all_stored() -> None:
    rows = MemoryRows()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: nights.add(rows, *PAIR, night(f"{n}")), range(24)))

    assert sorted(each.data for each in nights.find(rows, *PAIR)) == sorted(map(str, range(24)))


def test_no_night_is_added_beyond_the_room_of_a_row() -> None:
    rows = MemoryRows()
    full = tuple(night(f"{n:064d}", 0.1234567890123456) for n in range(nights.MOST_NIGHTS))
    rows.write(nights.NIGHTS, [Put(key="diabetes/4/3", content=dump(nights.Nights(nights=full)))])

    assert nights.add(rows, *PAIR, night("a")) == full
    assert nights.find(rows, *PAIR) == full


def test_damaged_nights_stop_the_gathering() -> None:
    rows = MemoryRows()
    rows.write(nights.NIGHTS, [Put(key="diabetes/4/3", content={"nights": "many"})])

    with pytest.raises(PlatformError, match="Restore the records"):
        nights.add(rows, *PAIR, night("a"))
