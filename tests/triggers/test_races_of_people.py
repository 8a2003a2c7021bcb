"""Two people, or a person and the clock, at the same moment: one counts, and the other learns it."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from function_app.adapters.local.rows import LocalRows
from function_app.domain.codec import dump
from function_app.domain.release.release import ReleaseStatus
from function_app.domain.stories.cancellation import Cancellation, cancellation_name
from function_app.errors import ConflictError
from function_app.ports import Ports
from function_app.records.ledger.ledger import StoredLedger
from function_app.triggers.http.approvals import post_approval
from function_app.triggers.invocation import Answer, Invocation, Request
from tests.attacks.approvals import RELEASE, office_of
from tests.attacks.targets import named_by
from tests.triggers.test_story_api import Office

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Meanwhile:
    """Ports on which something happens at the moment at which a request reads the clock."""

    ports: Any
    happens: Callable[[], object]

    def __getattr__(self, name: str) -> Any:
        return self if name == "clock" else getattr(self.ports, name)

    def now(self) -> datetime:
        self.happens()
        now: datetime = self.ports.clock.now()
        return now


def test_the_first_stored_of_two_concurrent_cancellations_counts(tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.knows("train_model", "t1", "running")
    other = Cancellation(instance_id="t1", by="grace", comment="too slow", at=NOW)
    name, content = cancellation_name("t1"), {"cancellation": json.dumps(dump(other))}

    def cancel_as_grace() -> None:
        office.ports.ledger.create_record(name, content)

    ports = cast(Ports, Meanwhile(office.ports, cancel_as_grace))
    office.invocation = replace(office.invocation, ports=ports)

    with pytest.raises(ConflictError, match="grace cancelled it: too slow"):
        office.cancel("t1", comment="wrong")
    assert office.ports.ledger.get_record(name) == content


@pytest.mark.parametrize("status", [ReleaseStatus.EXPIRED, ReleaseStatus.CANCELLED])
def test_an_approval_of_a_release_that_ended_meanwhile_is_refused(
    tmp_path: Path, status: ReleaseStatus
) -> None:
    rows = LocalRows(tmp_path / "ledger.db")
    office = office_of(StoredLedger(rows), rows)
    office.ask("1")
    waiting = office.record("1")

    async def approve(invocation: Invocation, request: Request) -> Answer[Any]:
        ports = Meanwhile(
            invocation.ports,
            lambda: invocation.ports.ledger.save_release(replace(waiting, status=status)),
        )
        return await post_approval(replace(invocation, ports=cast(Ports, ports)), request)

    with pytest.raises(ConflictError, match=f"{RELEASE} is {status}") as caught:
        office.send(approve, "ada", **named_by(waiting))
    assert caught.value.code == "RELEASE_NOT_WAITING"
