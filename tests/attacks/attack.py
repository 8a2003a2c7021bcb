"""The catalogue of attacks: each test names the attack, the expected answer and the log line."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import pytest

Test = TypeVar("Test", bound=Callable[..., Any])
MARK = "attack"
Before = Literal["succeeded", "refused", "absent"]
Evidence = Literal["trial", "reading"]
# The last commit without the borders of the local host; version 0.1.0 has them.
BORDERLESS = "ce469e1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """One attack against the app, as docs/explanation/security.md shows it.

    `point` is the topic's number in the catalogue, `does` says what the attacker does, `answer`
    how the app answers, `log` which line or audit entry the attempt leaves. `before` says how the
    same attack ended in `version`: "absent" when the attacked feature did not exist. `by` says
    whether the attack was tried against that version, or whether its code was read.
    """

    point: int
    does: str
    answer: str
    log: str
    before: Before
    by: Evidence = "reading"
    version: str = "0.1.0"


def attack(
    *,
    point: int,
    does: str,
    answer: str,
    log: str,
    before: Before,
    by: Evidence = "reading",
    version: str = "0.1.0",
) -> Callable[[Test], Test]:
    """Mark a test as the proof that the app withstands this attack."""
    described = Attack(
        point=point, does=does, answer=answer, log=log, before=before, by=by, version=version
    )

    def mark(test: Test) -> Test:
        marked: Test = getattr(pytest.mark, MARK)(described)(test)
        return marked

    return mark
