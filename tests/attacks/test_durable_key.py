"""Attacks with a stolen system key of Durable that destroy nothing, but stop stories."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.attacks.attack import SAME, attack
from tests.triggers.office import Office, Records, RememberedStories
from tests.triggers.test_inbox import blob

VERSION = {
    "id": "1",
    "topic": "/t",
    "subject": "models/diabetes:7",
    "eventType": "Microsoft.MachineLearningServices.ModelRegistered",
    "dataVersion": "2",
    "data": {"modelName": "diabetes", "modelVersion": "7"},
}


@dataclass
class BurntStories(RememberedStories):
    """Durable in which somebody started ids before the app; none can be started while it runs."""

    foreign: dict[str, Any] = field(default_factory=dict)
    running: set[str] = field(default_factory=set)

    async def start(self, story: str, instance_id: str, argument: Any) -> None:
        if instance_id in self.running:
            raise ConnectionError(f"{instance_id} is under way already")
        self.foreign.pop(instance_id, None)
        await super().start(story, instance_id, argument)

    async def find(self, instance_id: str) -> Any:
        if instance_id in self.foreign:
            return {"instance_id": instance_id, "ended": instance_id not in self.running}
        return await super().find(instance_id)

    async def argument(self, instance_id: str) -> Any:
        return self.foreign.get(instance_id)

    def burn(self, instance_id: str, argument: Any) -> None:
        self.foreign[instance_id] = argument
        self.running.add(instance_id)


@pytest.fixture
def office(tmp_path: Path, records: Records) -> Office:
    made = Office(tmp_path, records=records)
    made.registry.add("diabetes", "7")
    made.stories = BurntStories()
    made.invocation = replace(made.invocation, stories=made.stories)
    return made


def release_after_burning(office: Office, instance_id: str, argument: Any, event: Any) -> str:
    """Burn an id, send the event that claims it, let the foreign story end; return the outcome."""
    stories = office.stories
    assert isinstance(stories, BurntStories)
    stories.burn(instance_id, argument)
    [receipt] = office.take(event)
    assert (receipt.outcome, stories.started) == ("accepted", [])
    stories.running.clear()
    office.clock.moment += timedelta(minutes=1)
    assert office.sweep() == 1
    [again] = office.take(event)
    return str(again.outcome)


@attack(
    point=1,
    does="starts the id of the next release with a stolen Durable key before the app does",
    answer="the id is started again with the app's own input once the foreign story has ended; the "
    "event is not taken for a repetition",
    log="host: … was started past this app, and is started again",
    before="succeeded",
    azure=SAME,
    by="trial",
)
def test_a_burnt_id_of_a_release_is_used_again(office: Office) -> None:
    outcome = release_after_burning(office, "release-diabetes-7", {"model": "other"}, VERSION)

    assert office.stories.started == ["release-diabetes-7"]
    assert office.stories.arguments[0]["version"] == "7"
    assert outcome == "repeated"


@attack(
    point=1,
    does="starts the id of the next training with a stolen Durable key and other data",
    answer="the id is started again with the app's own input once the foreign story has ended",
    log="host: … was started past this app, and is started again",
    before="succeeded",
    azure=SAME,
    by="trial",
)
def test_a_burnt_id_of_a_training_is_used_again(office: Office) -> None:
    [probe] = office.take(blob("a.csv", "e1"))
    [instance_id] = probe.instance_ids
    office.inbox.discard(probe.event_key)
    office.stories.started.clear()
    office.stories.arguments.clear()

    office.clock.moment += timedelta(minutes=1)
    forged = {"model": "diabetes", "data_uri": "https://elsewhere/x.csv"}
    release_after_burning(office, instance_id, forged, blob("a.csv", "e1"))

    assert office.stories.started == [instance_id]
    assert office.stories.arguments[0]["data_uri"] == "file:///u.csv"
