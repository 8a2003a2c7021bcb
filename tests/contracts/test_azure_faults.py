"""The Azure adapters leave no leftovers, whichever of their requests is the last one."""

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from function_app.adapters.azure.reach.connection import Connection
from function_app.adapters.azure.rows import INBOX_TABLE, AzureRows
from function_app.domain.events.inbox import Outcome
from function_app.domain.people.duties import ApprovalRules
from function_app.domain.release.release import ReleaseStatus
from function_app.domain.stories.lane import LaneRequest
from function_app.errors import PlatformError
from function_app.records.decisions import Decisions
from function_app.records.inbox.inbox import StoredInbox
from function_app.records.ledger.ledger import StoredLedger
from tests.azure_servers.azurite import Account
from tests.azure_servers.base import Answer
from tests.azure_servers.faults import Fault, FaultyWay
from tests.azure_servers.identity import IdentityServer
from tests.azure_servers.names import settings_of_tests
from tests.azure_servers.tls import Tls
from tests.contracts.ledger_samples import DECISION, release
from tests.contracts.test_inbox import DAY, NOW, SECOND, claim, event, settled

RULES = ApprovalRules(approvers=("ada",), people={})

FAULTS = pytest.mark.parametrize("fault", list(Fault))
FAR = NOW + 99 * DAY


@pytest.fixture
def way(account: Account, tls: Tls) -> Iterator[FaultyWay]:
    """The way to the tables of this test's account."""
    service = account.tables_endpoint.removesuffix(f"/{account.name}")
    with FaultyWay(service, tls) as server:
        yield server


@pytest.fixture
def hasty(way: FaultyWay, account: Account, identity: IdentityServer, tls: Tls) -> Connection:
    """A connection that gives up at once, as a process that is killed does."""
    return Connection(_settings(way, account, tls), retries=0)


@pytest.fixture
def patient(way: FaultyWay, account: Account, identity: IdentityServer, tls: Tls) -> Connection:
    return Connection(_settings(way, account, tls))


def _settings(way: FaultyWay, account: Account, tls: Tls) -> Any:
    return settings_of_tests(
        tls.ca_file,
        tables_endpoint=f"{way.url}/{account.name}",
        blob_endpoint=account.blob_endpoint,
    )


def inbox_of(connection: Connection) -> StoredInbox:
    rows = AzureRows(connection, INBOX_TABLE)
    rows.ensure()
    return StoredInbox(rows)


def at_requests(way: FaultyWay, fault: Fault, story: Callable[[int], None]) -> Iterator[int]:
    """Run a story that ends at its first request, then at a later one, until it comes through.

    FAULT_POINTS=all ends it at every request, the default at every third one.
    """
    for number in range(0, 60, 1 if os.environ.get("FAULT_POINTS") == "all" else 3):
        way.fail_at(number, fault)
        try:
            story(number)
        except PlatformError:
            way.heal()
            yield number
            continue
        way.heal()
        assert number > 0, "nothing was ever asked"
        yield number
        return
    raise AssertionError("the story never came through")


@FAULTS
def test_a_call_that_failed_kept_all_of_its_events_or_none(
    way: FaultyWay, hasty: Connection, fault: Fault
) -> None:
    inbox = inbox_of(hasty)

    def batch(number: int) -> list[Any]:
        return [event([number, n], NOW + n * SECOND) for n in range(3)]

    for number in at_requests(way, fault, lambda n: void(inbox.accept(batch(n)))):
        kept = [each for each in inbox.list_pending(FAR) if each.payload[0] == number]
        assert kept in ([], batch(number))

        later = [replace(each, received_at=each.received_at + DAY) for each in batch(number)]
        assert set(map(key_of, inbox.accept(later))) == set(map(key_of, batch(number)))
        again = [each for each in inbox.list_events() if each.payload[0] == number]
        assert sorted(map(key_of, again)) == sorted(map(key_of, batch(number)))
        assert inbox.accept(batch(number)) == tuple(inbox.get(e.event_key) for e in batch(number))


@FAULTS
def test_an_event_whose_settling_failed_is_pending_or_settled_and_never_both(
    way: FaultyWay, hasty: Connection, fault: Fault
) -> None:
    inbox = inbox_of(hasty)
    for number in range(12):
        inbox.accept([event(number)])

    for number in at_requests(
        way, fault, lambda n: inbox.settle(settled(event(n), Outcome.STARTED))
    ):
        stored = inbox.get(event(number).event_key)
        assert stored is not None
        pending = event(number) in inbox.list_pending(FAR)
        assert pending is (stored.outcome is None)

        inbox.settle(settled(event(number), Outcome.STARTED))
        assert event(number) not in inbox.list_pending(FAR)


@FAULTS
def test_a_claim_that_failed_is_made_good_by_who_claims_again(
    way: FaultyWay, hasty: Connection, fault: Fault
) -> None:
    inbox = inbox_of(hasty)

    def new_claim(number: int) -> Any:
        return claim(f"k{number}", order="5", subject=f"s{number}")

    for number in at_requests(way, fault, lambda n: void(inbox.claim(new_claim(n)))):
        assert inbox.claim(new_claim(number)).claim == new_claim(number)

        older = claim(f"older-{number}", order="4", subject=f"s{number}")
        assert inbox.claim(older).newer == new_claim(number)
        assert new_claim(number) in inbox.list_claims()


@FAULTS
def test_an_interrupted_deletion_is_completed_the_next_time(
    way: FaultyWay, hasty: Connection, fault: Fault
) -> None:
    inbox = inbox_of(hasty)

    for number in range(3):
        inbox.accept([event(number)])
        inbox.settle(settled(event(number), Outcome.STARTED))
        inbox.claim(claim(f"k{number}", order="1"))

    for _ in at_requests(way, fault, lambda _: void(inbox.forget(FAR, FAR))):
        # An event that arrived again in the meantime is young and stays.
        again = inbox.accept([event(number, FAR + DAY) for number in range(3)])
        young = [each for each in again if each.received_at == FAR + DAY]
        anew = inbox.claim(claim("k1", claimed_at=FAR + DAY, order="2")).created
        inbox.forget(FAR, FAR)
        assert sorted(map(key_of, inbox.list_events())) == sorted(map(key_of, young))
        for each in again:
            assert inbox.get(each.event_key) == (each if each in young else None)
        assert inbox.claim(claim("k1")).created is not anew

        inbox.forget(FAR + 9 * DAY, FAR + 9 * DAY)
        for each in young:
            inbox.discard(each.event_key)
        for number in range(3):
            inbox.accept([event(number)])
            inbox.settle(settled(event(number), Outcome.STARTED))
            inbox.claim(claim(f"k{number}", order="1"))


@FAULTS
def test_a_release_whose_story_is_cut_anywhere_ends_as_in_peace(
    way: FaultyWay, hasty: Connection, fault: Fault
) -> None:
    rows = AzureRows(hasty)
    ledger = StoredLedger(rows)
    decisions = Decisions(rows, ledger)
    rows.ensure()

    def story(number: int) -> None:
        waiting = release(str(number), ReleaseStatus.AWAITING_APPROVAL)
        release_id = waiting.release.release_id
        stored = ledger.get_release(release_id)
        if stored is None or stored.status is ReleaseStatus.AWAITING_APPROVAL:
            ledger.save_release(waiting)
            decisions.decide(waiting, replace(DECISION, release_id=release_id), RULES)
        record = ledger.get_release(release_id)
        assert record is not None
        assert ledger.settle(release_id, NOW, decisions.on(record, RULES)).decision is not None
        request = LaneRequest(lane="l", owner=release_id, since=NOW, hold=timedelta(hours=1))
        assert ledger.take_lane(request, NOW).inside
        ledger.save_release(release(str(number), ReleaseStatus.PROMOTED))
        ledger.leave_lane("l", release_id)

    for number in at_requests(way, fault, story):
        stored = ledger.get_release(f"release-m-{number}")
        if stored is None or stored.status is not ReleaseStatus.PROMOTED:
            story(number)
        ledger.leave_lane("l", f"release-m-{number}")

        record = ledger.get_release(f"release-m-{number}")
        assert record is not None
        assert record.status is ReleaseStatus.PROMOTED
        assert decisions.on(record, RULES) is not None
        assert ledger.list_lanes() == ()


def test_an_answer_that_is_lost_once_is_no_fault(way: FaultyWay, patient: Connection) -> None:
    inbox, rows = inbox_of(patient), AzureRows(patient)
    ledger = StoredLedger(rows)
    rows.ensure()
    way.lose_one()
    assert inbox.accept([event("x")]) == (event("x"),)
    way.lose_one()
    assert inbox.claim(claim()).created
    way.lose_one()
    waiting = release("1", ReleaseStatus.AWAITING_APPROVAL)
    ledger.save_release(waiting)
    way.lose_one()
    decision = replace(DECISION, release_id=waiting.release.release_id)
    assert Decisions(rows, ledger).decide(waiting, decision, RULES) == decision


def test_throttling_is_waited_out(way: FaultyWay, patient: Connection) -> None:
    inbox = inbox_of(patient)
    way.answers = [
        Answer(status=429, headers={"Retry-After": "1"}),
        Answer(status=503, content={"odata.error": {"code": "ServerBusy"}}),
    ]

    assert inbox.claim(claim()).created


def test_throttling_without_an_end_names_table_status_and_remedy(
    way: FaultyWay, hasty: Connection
) -> None:
    inbox = inbox_of(hasty)
    way.answers = [Answer(status=503, content={"odata.error": {"code": "ServerBusy"}})] * 9

    with pytest.raises(PlatformError, match=r"table mlopsinbox: .*HTTP 503.*try again"):
        inbox.claim(claim())


def key_of(each: Any) -> Any:
    return each.event_key


def void(_: object) -> None:
    """Drop a result."""
