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
# Values of `azure`; the two functions below return the other values.
SAME, ONLY = "same test", "Azure only"
_NONE, _CODE = "no equivalent: ", "same code: "


def no_equivalent(reason: str) -> str:
    """Return that the attack cannot be made in Azure, with the reason."""
    return f"{_NONE}{reason}"


def same_code(path: str) -> str:
    """Return that the test calls only this file or folder, which both platforms run unchanged."""
    return f"{_CODE}{path}"


def attacked_code(azure: str) -> str | None:
    """Return the path that `same_code` names, None for any other value."""
    return azure.removeprefix(_CODE) if azure.startswith(_CODE) else None


def is_complete(azure: str) -> bool:
    """Tell whether a value says how the attack was tried in Azure, or why it was not."""
    return azure in (SAME, ONLY) or any(
        azure.startswith(begin) and azure.removeprefix(begin).strip() for begin in (_NONE, _CODE)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """An attack against the app, as docs/explanation/security.md shows it.

    `point` is the topic's number in the catalogue, `does` the act of the attacker, `answer` the
    answer of the app, and `log` the line or audit entry of the attempt. `before` is the result of
    the same attack on `version`: "absent" when the attacked feature did not exist. `by` says
    whether the attack was tried against that version, or whether its code was read. `azure` says
    how the attack was tried against the Azure adapters: SAME when the test runs on both platforms,
    ONLY when it is an attack on Azure, or a result of `same_code` or `no_equivalent`.
    """

    point: int
    does: str
    answer: str
    log: str
    before: Before
    azure: str
    by: Evidence = "reading"
    version: str = "0.1.0"


def attack(
    *,
    point: int,
    does: str,
    answer: str,
    log: str,
    before: Before,
    azure: str,
    by: Evidence = "reading",
    version: str = "0.1.0",
) -> Callable[[Test], Test]:
    """Mark a test as the proof that the app withstands this attack."""
    described = Attack(
        point=point,
        does=does,
        answer=answer,
        log=log,
        before=before,
        azure=azure,
        by=by,
        version=version,
    )

    def mark(test: Test) -> Test:
        marked: Test = getattr(pytest.mark, MARK)(described)(test)
        return marked

    return mark
