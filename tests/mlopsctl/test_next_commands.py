"""The commands that `show` offers next."""

from typing import Any

import pytest

from mlopsctl.next_commands import next_commands
from tests.mlopsctl.test_operators import STORY


@pytest.mark.parametrize("possible", [True, False])
def test_a_cancellation_is_offered_while_the_app_would_accept_it(*, possible: bool) -> None:
    under_way = {**STORY, "ended": False, "outcome": "running", "can_be_cancelled": possible}
    known: dict[str, Any] = {
        "release": None,
        "story": under_way,
        "run": None,
        "event": None,
        "caused_by": [],
    }

    commands = next_commands(known, "release-m-1")

    assert any(command.startswith("mlopsctl cancel") for command in commands) is possible
