"""Attacks with events that a stolen system key of Durable raises on a story that waits."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from function_app import names, steps
from function_app.domain.codec import dump
from function_app.domain.release.approval import Settlement
from function_app.domain.release.serving import Build
from function_app.domain.stories.cancellation import Cancellation, SettledCancellation
from function_app.domain.stories.lane import LaneHolder, rollout_lane, training_lane
from function_app.domain.training import preparation_id
from function_app.orchestrators.release_model import release_model
from function_app.orchestrators.train_model import train_model
from tests.attacks.attack import attack, same_code
from tests.orchestrators import test_release_model as releases
from tests.orchestrators import test_train_model as trainings
from tests.orchestrators.durable import Durable
from tests.orchestrators.test_cancellable import BUSY

ORDER = SettledCancellation(
    cancellation=Cancellation(
        instance_id="i", by="ada", comment="wrong", at=datetime(2026, 1, 1, tzinfo=UTC)
    )
)
TURN = LaneHolder(owner="i", ahead=0, inside=True)
TRAINING = trainings.REQUEST.model
RELEASE = releases.RELEASE


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """A kind of wait: its activity, the answers before and at its end, and its event."""

    story: str
    asks: str
    before: Any
    after: Any
    event: str
    follows: str

    def begin(self) -> Durable:
        """Return the story at this wait."""
        answers = {steps.settle_cancellation.name: SettledCancellation()}
        if self.story == names.TRAIN_MODEL:
            answers |= trainings.player(**{self.asks: self.before}).answers
            return Durable(lambda ctx: _end(train_model(ctx, trainings.REQUEST)), answers)
        answers |= releases.player(**{self.asks: self.before}).answers
        return Durable(lambda ctx: _end(release_model(ctx, RELEASE)), answers)


def _end(story: Any) -> Any:
    return dump((yield from story))


WAITS = {
    "run": Wait(
        story=names.TRAIN_MODEL,
        asks=steps.get_run.name,
        before=trainings.RUNNING,
        after=trainings.DONE,
        event="RunCompleted-{run}",
        follows=steps.judge_dataset.name,
    ),
    "training lane": Wait(
        story=names.TRAIN_MODEL,
        asks=steps.take_lane.name,
        before=BUSY,
        after=TURN,
        event=names.lane_event(training_lane(TRAINING)),
        follows=steps.submit_training.name,
    ),
    "image": Wait(
        story=names.RELEASE_MODEL,
        asks=steps.build_image.name,
        before=Build(detail="queued"),
        after=Build(image=releases.IMAGE),
        event=names.image_pushed_event(RELEASE.release_id),
        follows=steps.deploy_staging.name,
    ),
    "approval": Wait(
        story=names.RELEASE_MODEL,
        asks=steps.settle_approval.name,
        before=Settlement(),
        after=Settlement(superseded=("newer",)),
        event=names.decision_event(RELEASE.release_id) + "{wait}",
        follows=steps.remove_staging.name,
    ),
    "rollout lane": Wait(
        story=names.RELEASE_MODEL,
        asks=steps.take_lane.name,
        before=BUSY,
        after=TURN,
        event=names.lane_event(rollout_lane(RELEASE.model)),
        follows=steps.promote_challenger.name,
    ),
}
each_wait = pytest.mark.parametrize("wait", [pytest.param(w, id=name) for name, w in WAITS.items()])
CANCEL = names.cancel_event("i")


def event_of(wait: Wait, number: int) -> str:
    """Return the event of the present wait, the `number`th of its kind."""
    run = preparation_id(TRAINING, trainings.REQUEST.cause)
    return wait.event.format(run=run, wait=f"-{number}" if number else "")


@attack(
    point=1,
    does="raises the event for which a story waits (run, lane, image, decision) with a stolen "
    "Durable key, again and again",
    answer="the story asks the platform or the ledger and goes on waiting; the real event that "
    "comes later still ends the wait at once",
    log="none: a forged event starts one activity at most until the next timer",
    before="succeeded",
    azure=same_code("function_app/orchestrators"),
)
@each_wait
def test_a_forged_event_neither_ends_a_wait_nor_uses_up_its_listener(wait: Wait) -> None:
    story = wait.begin()
    for number in range(3):
        asked = story.called.count(wait.asks)
        story.raise_event(event_of(wait, number))
        assert story.called.count(wait.asks) == asked + 1, "the platform decides"
        assert wait.follows not in story.called
        story.fire()

    story.change(wait.asks, wait.after)
    story.raise_event(event_of(wait, 3))

    assert wait.follows in story.called


@attack(
    point=1,
    does="raises the cancel event of a story with a stolen Durable key, so that the story does not "
    "hear the real cancellation any more",
    answer="the ledger has no cancellation, so that the story goes on; it listens again from its "
    "next wait on, and ends when a person cancels it",
    log="host: a cancel event of … came without a stored cancellation",
    before="succeeded",
    azure=same_code("function_app/orchestrators"),
)
@each_wait
@pytest.mark.parametrize("forged", [1, 2, 3])
def test_a_forged_cancellation_does_not_make_a_story_deaf(wait: Wait, forged: int) -> None:
    story = wait.begin()
    for _ in range(forged):
        story.raise_event(CANCEL)
        assert not story.ended()
        story.fire()

    story.change(steps.settle_cancellation.name, ORDER)
    story.raise_event(CANCEL)

    assert story.ended()
    assert "ada cancelled it: wrong" in str(story.output["reasons"])
    assert story.timers == {}


@attack(
    point=1,
    does="raises many forged cancel events at once, before the first wait or within one wait",
    answer="each wait of the story reads the ledger once at most; the real cancellation that comes "
    "in between is kept and counts at the next wait",
    log="host: a cancel event of … came without a stored cancellation",
    before="succeeded",
    azure=same_code("function_app/orchestrators"),
)
@each_wait
def test_a_flood_of_forged_cancellations_is_paced_by_the_waits(wait: Wait) -> None:
    story = wait.begin()
    for _ in range(20):
        story.raise_event(CANCEL)
    assert story.called.count(steps.settle_cancellation.name) == 1
    story.change(steps.settle_cancellation.name, ORDER)
    story.raise_event(CANCEL)
    assert not story.ended(), "this wait has no listener any more"

    story.fire()

    assert story.ended()
    assert "ada cancelled it: wrong" in str(story.output["reasons"])


@attack(
    point=1,
    does="raises the events of a story in other letters: the host completes its wait, the SDK does "
    "not",
    answer="every wait has a timer as well, so that the story goes on; a real cancellation counts "
    "at the end of the present wait",
    log="none: no event of the SDK has such a name",
    before="refused",
    azure=same_code("function_app/orchestrators"),
)
@each_wait
def test_an_event_in_other_letters_stops_nothing(wait: Wait) -> None:
    story = wait.begin()
    for number in range(3):
        story.raise_event(event_of(wait, number).upper())
        story.raise_event(CANCEL.upper())
        story.fire()

    story.change(steps.settle_cancellation.name, ORDER)
    story.raise_event(CANCEL)
    story.fire()

    assert story.ended()
    assert "ada cancelled it: wrong" in str(story.output["reasons"])
