"""The way in, over the real inbox of this machine and stories that only remember."""

import asyncio
import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from function_app.adapters.local.events import choose_events
from function_app.composition import create_app
from function_app.domain.events.events import ArrivedFile
from function_app.domain.events.inbox import (
    SENDER,
    InboxEvent,
    Outcome,
    earlier_event_key,
    event_key,
)
from function_app.domain.project import Schedule
from function_app.settings.settings import read_settings
from function_app.triggers.events.verification import EVENT_GRID
from function_app.triggers.timers import training_on_schedule
from tests.triggers.office import PROJECTS, ROOT, Office


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


def blob(name: str, etag: str, sequencer: str = "", event_id: str = "1") -> dict[str, Any]:
    return {
        "id": event_id,
        "topic": "/t",
        "subject": f"/blobServices/default/containers/data/blobs/diabetes/{name}",
        "eventType": "Microsoft.Storage.BlobCreated",
        "data": {"api": "PutBlob", "url": "https://u", "eTag": etag, "sequencer": sequencer},
    }


def test_one_bad_event_of_fifty_neither_blocks_nor_repeats_the_others(office: Office) -> None:
    batch: list[Any] = [blob(f"{n}.csv", f"e{n}") for n in range(50)]
    batch[20] = {**batch[20], "data": 7}

    first = [receipt.outcome for receipt in office.take(*batch)]
    again = [receipt.outcome for receipt in office.take(*batch)]

    assert first == ["started"] * 20 + ["refused"] + ["started"] * 29
    assert again == ["repeated"] * 20 + ["refused"] + ["repeated"] * 29
    assert len(office.stories.started) == len(set(office.stories.started)) == 49


def test_an_event_whose_story_could_not_be_started_is_kept_and_started_later(
    office: Office,
) -> None:
    [probe] = office.take(blob("a.csv", "e1"))
    office.stories.started.clear()
    office.inbox.discard(probe.event_key)
    office.stories.broken.add(probe.instance_ids[0])

    office.clock.moment += timedelta(minutes=1)
    receipts = office.take(blob("a.csv", "e1"), blob("b.csv", "e2"))
    assert [receipt.outcome for receipt in receipts] == ["accepted", "started"]

    office.stories.broken.clear()
    office.clock.moment += timedelta(minutes=1)
    assert office.sweep() == 1
    assert office.stories.started.count(probe.instance_ids[0]) == 1
    assert office.sweep() == 0


def test_a_claim_whose_maker_may_still_start_it_is_left_to_him_for_a_while(
    office: Office,
) -> None:
    [made] = office.take(blob("a.csv", "e1"))
    office.stories.started.clear()  # as if the maker had died, or not come to it yet

    [other] = office.take(blob("a.csv", "e1", event_id="2"))
    assert (other.outcome, office.stories.started) == ("accepted", [])

    office.clock.moment += timedelta(seconds=31)
    assert office.sweep() == 1
    assert office.stories.started == list(made.instance_ids)


def test_an_older_write_of_a_file_that_comes_late_is_stale(office: Office) -> None:
    newer, older = blob("a.csv", "e2", "0000000B"), blob("a.csv", "e1", "0A")

    outcomes = [receipt.outcome for receipt in office.take(newer, older, older)]

    assert outcomes == ["started", "stale", "stale"]
    assert len(office.stories.started) == 1


@pytest.mark.parametrize(
    ("writes", "trainings"),
    [("ABA", 3), ("AA", 1), ("AAB", 2), ("ABAB", 4), ("ABBA", 3), ("ABCA", 4), ("AABAA", 3)],
)
def test_content_that_comes_back_is_trained_on_again(
    office: Office, writes: str, trainings: int
) -> None:
    for number, content in enumerate(writes):
        office.take(blob("a.csv", content, f"{number:x}", event_id=str(number)))

    assert len(set(office.stories.started)) == len(office.stories.started) == trainings
    causes = [argument["cause"] for argument in office.stories.arguments]
    assert len(set(causes)) == trainings
    owners = [f"train-diabetes-{cause[:12]}" for cause in causes]
    assert office.stories.started == owners


@given(
    writes=st.lists(st.sampled_from("ABC"), min_size=1, max_size=8),
    data=st.data(),
)
@hypothesis_settings(max_examples=60)
def test_each_write_of_new_content_is_one_training_however_often_it_is_told(
    writes: list[str], data: st.DataObject
) -> None:
    """Several events of one write, redeliveries, and re-announcements start nothing more."""
    with tempfile.TemporaryDirectory() as folder:
        office, told = Office(Path(folder)), list[dict[str, Any]]()
        for number, content in enumerate(writes):
            for part in range(data.draw(st.integers(1, 3), "events of this write")):
                told.append(blob("a.csv", content, f"{16 * number + part:x}", f"{number}-{part}"))
                office.take(told[-1])
            for event in data.draw(st.lists(st.sampled_from(told), max_size=3), "told again"):
                office.take({**event, "id": event["id"] + "-again"})
        changes = sum(a != b for a, b in pairwise(["", *writes]))

        assert len(office.stories.started) == len(set(office.stories.started)) == changes


@given(
    writes=st.lists(st.sampled_from("AB"), min_size=1, max_size=6),
    data=st.data(),
)
@hypothesis_settings(max_examples=60)
def test_events_in_any_order_start_no_training_twice_and_end_at_the_newest(
    writes: list[str], data: st.DataObject
) -> None:
    events = [blob("a.csv", c, f"{n:x}", str(n)) for n, c in enumerate(writes)]
    with tempfile.TemporaryDirectory() as folder:
        office = Office(Path(folder))
        for event in data.draw(st.permutations(events)):
            office.take({**event, "topic": "/t"})
        changes = sum(a != b for a, b in pairwise(["", *writes]))

        assert len(office.stories.started) == len(set(office.stories.started)) <= changes
        [last] = office.take({**events[-1], "id": "again"})
        assert last.outcome == "repeated"


def test_the_same_id_with_other_content_is_another_event(office: Office) -> None:
    receipts = office.take(blob("a.csv", "e1"), blob("a.csv", "e2"), blob("b.csv", "e1"))

    assert [receipt.outcome for receipt in receipts] == ["started"] * 3
    assert len(set(office.stories.started)) == 3


def test_a_run_without_tags_is_looked_up_on_its_platform(office: Office) -> None:
    def ended(run_id: str) -> dict[str, Any]:
        kind = "Microsoft.MachineLearningServices.RunCompleted"
        return {"id": "1", "subject": "s", "eventType": kind, "data": {"runId": run_id}}

    known, foreign = office.take(ended("known"), ended("somebody-else-s"))

    assert office.stories.woken == [("train-x", "RunCompleted-known")]
    assert (known.outcome, foreign.outcome) == ("woken", "ignored")


def test_a_body_that_is_no_event_is_stored_as_a_dead_letter(office: Office) -> None:
    office.take(7, None, [], "text", {})

    assert len(office.inbox.list_events(Outcome.REFUSED)) == 5


def test_a_schedule_asks_once_a_minute_however_often_its_timer_fires(office: Office) -> None:
    ask = training_on_schedule("diabetes", "nightly")
    for seconds in (0, 20, 60):
        office.clock.moment = datetime(2026, 1, 1, 3, tzinfo=UTC) + timedelta(seconds=seconds)
        asyncio.run(ask(office.invocation))

    assert len(office.stories.started) == 2


def test_every_schedule_of_a_model_is_a_timer_of_the_app(tmp_path: Path) -> None:
    schedules = (Schedule(name="nightly", cron="0 0 3 * * *"),)
    projects = {"diabetes": replace(PROJECTS["diabetes"], schedules=schedules)}
    settings = replace(read_settings({"MLOPS_STATE": str(tmp_path)}, ROOT), projects=projects)

    functions = create_app(settings).get_functions()

    names = [function.get_function_name() for function in functions]
    assert "train_diabetes_nightly" in names


def test_events_of_a_host_without_a_topic_are_taken_up_from_the_inbox_at_once(
    office: Office,
) -> None:
    events = choose_events("", "", office.inbox, office.clock)
    subject = "/blobServices/default/containers/data/blobs/diabetes/a.csv"
    data: dict[str, object] = {"api": "PutBlob", "url": "https://u", "eTag": "one"}

    events.publish("Microsoft.Storage.BlobCreated", subject, data)
    office.clock.moment += timedelta(milliseconds=1)

    assert office.sweep() == 1
    assert len(office.stories.started) == 1
    (event,) = office.inbox.list_events()
    assert (event.channel, event.outcome) == ("own", Outcome.STARTED)
    events.publish("Microsoft.Storage.BlobCreated", subject, data)
    office.clock.moment += timedelta(milliseconds=1)
    office.sweep()
    assert len(office.stories.started) == 1


def moved(folder: str, sequencer: str = "7") -> dict[str, Any]:
    return {
        "id": "m",
        "topic": "/t",
        "subject": f"/blobServices/default/containers/data/blobs/{folder}",
        "eventType": "Microsoft.Storage.DirectoryRenamed",
        "data": {"api": "RenameDirectory", "destinationUrl": "u", "sequencer": sequencer},
    }


def test_a_renamed_folder_starts_one_training_for_each_of_its_files(office: Office) -> None:
    office.datasets.files = tuple(
        ArrivedFile(path=f"diabetes/new/{name}", uri="https://u", etag=name, size=3)
        for name in ("a.csv", "b.csv", "_SUCCESS")
    )

    receipt = office.take(moved("diabetes/new"))[0]
    again = office.take(moved("diabetes/new"))[0]

    assert (receipt.outcome, again.outcome) == ("started", "repeated")
    assert len(receipt.instance_ids) == len(office.stories.started) == 2


def test_a_renamed_folder_of_no_model_is_not_listed(office: Office) -> None:
    receipt = office.take(moved("archive"))[0]

    assert (receipt.outcome, receipt.code) == ("refused", "UNKNOWN_MODEL")
    assert office.datasets.asked == []


def test_a_marker_is_ignored_with_its_reason(office: Office) -> None:
    receipt = office.take(blob("_started", "e"))[0]

    assert receipt.outcome == "ignored"
    assert "_started" in (receipt.reason or "")


def test_a_marker_without_parts_is_ignored_with_its_reason(office: Office) -> None:
    receipt = office.take(blob("_SUCCESS", "e"))[0]

    assert receipt.outcome == "ignored"
    assert "no file beside it whose name begins with `part-`" in (receipt.reason or "")


def training(request_id: str, **more: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": request_id,
        "source": "ci",
        "type": "Mlops.TrainingRequested",
        "data": {"model": "diabetes", "requestId": request_id, **more.pop("data", {})},
        **more,
    }


def test_a_person_who_sends_an_event_started_the_training(office: Office) -> None:
    office.take(training("1"), person="ada")
    office.take(training("2"))

    assert [argument["started_by"] for argument in office.stories.arguments] == [["ada"], []]


@pytest.mark.parametrize(
    "more", [{SENDER: "grace"}, {"data": {SENDER: "grace"}}, {SENDER: ["grace"]}]
)
def test_no_field_of_an_event_says_who_started_the_training(
    office: Office, more: dict[str, Any]
) -> None:
    office.take(training("1", **more))
    office.take(training("2", **more), person="ada")

    assert [argument["started_by"] for argument in office.stories.arguments] == [[], ["ada"]]


def test_an_event_keeps_its_person_while_it_waits(office: Office) -> None:
    claimed = office.take(training("1"), person="ada")[0].instance_id or ""
    other = Office(Path(tempfile.mkdtemp()))
    other.stories.broken.add(claimed)
    assert other.take(training("1"), person="ada")[0].outcome == "accepted"

    other.stories.broken.clear()
    other.clock.moment += timedelta(minutes=5)
    other.sweep()

    assert [argument["started_by"] for argument in other.stories.arguments] == [["ada"]]


def test_an_event_that_an_earlier_version_stored_is_the_same_event(office: Office) -> None:
    """An earlier version made the key of the texts as they came."""
    payload = {**blob("new.csv", "e1"), "eventTime": "2026-01-02T03:04:05.500+02:00"}
    key = earlier_event_key(payload)
    assert key != event_key(payload)
    office.inbox.accept(
        [
            InboxEvent(
                event_key=key, channel=EVENT_GRID, payload=payload, received_at=office.clock.now()
            )
        ]
    )

    receipts = [*office.take(payload), *office.take(payload)]

    assert [receipt.event_key for receipt in receipts] == [key, key]
    assert [event.event_key for event in office.inbox.list_events()] == [key]


def test_an_event_before_and_after_the_rewriting_of_azure_is_stored_once(office: Office) -> None:
    sent = {**blob("new.csv", "e1"), "eventTime": "2026-01-02T03:04:05.500+02:00"}
    delivered = {**sent, "eventTime": "2026-01-02T01:04:05.5+00:00"}

    first, second = *office.take(sent), *office.take(delivered)

    assert (first.outcome, second.outcome) == ("started", "repeated")
    assert len(office.inbox.list_events()) == 1
