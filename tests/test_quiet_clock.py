"""The clock by which tests give up."""

import threading

import pytest

from tests.funchost.conftest import until
from tests.quiet_clock import LONGEST_TICK, QuietClock, Standstills, runnable, ticking


def test_a_busy_machine_makes_the_clock_slow() -> None:
    now, wanting = [100.0], [1.0]
    clock = QuietClock(monotonic=lambda: now[0], runnable=lambda: wanting[0], cores=2)

    now[0] += 0.5
    assert clock.seconds() == 0.5
    wanting[0] = 16.0
    now[0] += 1
    assert clock.seconds() == 0.625
    wanting[0] = 0.0
    now[0] += 0.375
    assert clock.seconds() == 1


def test_a_machine_that_stood_still_does_not_use_up_a_limit() -> None:
    now = [100.0]
    clock = QuietClock(monotonic=lambda: now[0], runnable=lambda: 1.0, cores=2)

    now[0] += 600

    assert clock.seconds() == LONGEST_TICK


def test_the_clock_ticks_while_a_test_waits_for_an_answer() -> None:
    ticks = threading.Semaphore(0)

    class Counted(QuietClock):
        def seconds(self) -> float:
            ticks.release()
            return super().seconds()

    with ticking(Counted()):
        for _ in range(3):
            assert ticks.acquire(timeout=60), "nobody but the clock's own thread asks"


def test_a_failure_says_whether_the_machine_stood_still() -> None:
    now = [100.0]
    standstills = Standstills(monotonic=lambda: now[0])
    for seconds in (0.2, 5.0, 0.2, 3.0):
        now[0] += seconds
        standstills.tick()

    assert "stood still for over 1 s: 2 times, 8.0 s in all" in standstills.describe()
    standstills.begin()
    assert "over 1 s: never" in standstills.describe()


def test_this_process_is_among_those_that_want_a_core() -> None:
    assert runnable() >= 0


def test_a_wait_names_its_condition_when_it_gives_up() -> None:
    with pytest.raises(AssertionError, match="a sign of life"):
        until(lambda: False, "a sign of life", 0.01)
