"""The stored origin of a version: its event is found among many and is kept with the version."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from function_app.domain.events.inbox import InboxEvent, Outcome
from function_app.domain.lineage.origin import PublishedCode, Training
from function_app.records.inbox.inbox import StoredInbox
from function_app.records.ledger.ledger import StoredLedger
from function_app.records.ledger.lineage import Lineage
from tests.contracts.memory_rows import MemoryRows
from tests.domain.test_lineage import NOW, RUN, VERSION

STORY = "train-diabetes-1"
TRAINING = Training(instance_id=STORY, began_at=NOW, data_uri="/inbox/new.csv")


def event(number: int, received_at: datetime, *instances: str) -> InboxEvent:
    return InboxEvent(
        event_key=f"{number:032x}",
        channel="api",
        payload={"specversion": "1.0", "type": "T", "subject": f"s{number}"},
        received_at=received_at,
        outcome=Outcome.STARTED,
        instance_ids=instances,
    )


def lineage(*events: InboxEvent) -> Lineage:
    rows = MemoryRows()
    inbox = StoredInbox(rows)
    if events:
        inbox.accept(events)
    return Lineage(StoredLedger(rows), inbox)


def test_the_event_is_found_behind_many_later_ones_and_kept_with_the_version() -> None:
    later = [event(n, NOW + timedelta(hours=1, seconds=n), "other") for n in range(2, 150)]
    own = event(1, NOW - timedelta(seconds=2), "first", STORY)
    kept = lineage(own, *later)

    kept.keep(VERSION, RUN, TRAINING, NOW + timedelta(days=1))

    origin = kept.origin("diabetes", "3")
    assert origin is not None
    assert origin.event is not None
    assert origin.event.event_key == own.event_key
    assert origin.data_version == RUN.dataset_version
    assert origin.training == TRAINING


def test_an_event_that_only_woke_the_training_is_not_its_cause() -> None:
    own = event(1, NOW, STORY)
    woke = replace(event(2, NOW + timedelta(seconds=20), STORY), outcome=Outcome.WOKEN)

    found = lineage(own, woke).find_event(STORY, NOW)

    assert found is not None
    assert found.event_key == own.event_key


def test_a_repeated_registration_does_not_change_the_origin() -> None:
    kept = lineage(event(1, NOW, STORY))
    kept.keep(VERSION, RUN, TRAINING, NOW)

    again = replace(RUN, dataset_version="0" * 64)
    kept.keep(VERSION, again, replace(TRAINING, instance_id="other"), NOW + timedelta(days=9))

    origin = kept.origin("diabetes", "3")
    assert origin is not None
    assert origin.registered_at == NOW
    assert origin.data_version == RUN.dataset_version
    assert kept.origin("diabetes", "4") is None


def test_no_more_than_500_events_are_searched() -> None:
    own = event(1, NOW - timedelta(hours=1), STORY)
    between = [event(n, NOW - timedelta(seconds=n), "other") for n in range(2, 620)]
    kept = lineage(own, *between)

    assert kept.find_event(STORY, NOW) is None
    assert kept.find_event(STORY, NOW - timedelta(minutes=30)) is not None
    assert kept.find_event("", NOW) is None


def test_the_first_publication_of_code_counts() -> None:
    kept = lineage()
    first = PublishedCode(repository="/r", branch="main", published_at=NOW)
    kept.keep_code("diabetes", "c" * 64, first)

    kept.keep_code(
        "diabetes", "c" * 64, replace(first, published_at=datetime(2027, 1, 1, tzinfo=UTC))
    )

    assert kept.code("diabetes", "c" * 64) == first
    assert kept.code("diabetes", "d" * 64) is None


def test_a_garbled_record_counts_as_none() -> None:
    rows = MemoryRows()
    ledger = StoredLedger(rows)
    ledger.save_record("lineage/diabetes/3", {"content": "{half"})
    ledger.save_record("lineage/diabetes/4", {"other": "1"})
    kept = Lineage(ledger, StoredInbox(rows))

    assert kept.origin("diabetes", "3") is None
    assert kept.origin("diabetes", "4") is None
