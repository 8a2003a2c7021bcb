"""The clock by which tests give up."""

import pytest

from tests.funchost.conftest import until
from tests.quiet_clock import QuietClock, runnable


def test_a_busy_machine_makes_the_clock_slow() -> None:
    now, wanting = [100.0], [1.0]
    clock = QuietClock(monotonic=lambda: now[0], runnable=lambda: wanting[0], cores=2)

    now[0] += 10
    assert clock.seconds() == 10
    wanting[0] = 12.0
    now[0] += 60
    assert clock.seconds() == 20
    wanting[0] = 0.0
    now[0] += 1
    assert clock.seconds() == 21


def test_this_process_is_among_those_that_want_a_core() -> None:
    assert runnable() >= 0


def test_a_wait_names_its_condition_when_it_gives_up() -> None:
    with pytest.raises(AssertionError, match="a sign of life"):
        until(lambda: False, "a sign of life", 0.01)
