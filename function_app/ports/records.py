"""Durable records of the app, and the instances of its stories."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

from function_app.domain.events.inbox import Claim, Claimed, EventPage, InboxEvent, Outcome
from function_app.domain.release.approval import Decision, Settlement
from function_app.domain.release.release import Release, ReleasePage, ReleaseRecord, ReleaseStatus
from function_app.domain.stories.lane import LaneHolder, LanePosition, LaneRequest
from function_app.domain.stories.views import StoryView


class Inbox(Protocol):
    """The store of received events; an event is stored before it is acknowledged."""

    def accept(self, events: Sequence[InboxEvent]) -> tuple[InboxEvent, ...]:
        """Store the events; return each as stored. An event that was stored before is unchanged."""

    def claim(self, claim: Claim) -> Claimed:
        """Claim a cause once; return the stored claim and a newer one of the same subject."""

    def settle(self, event: InboxEvent) -> None:
        """Record the outcome of an event."""

    def get(self, event_key: str) -> InboxEvent | None:
        """Return one event."""

    def list_events(
        self, outcome: Outcome | None = None, limit: int = 500
    ) -> tuple[InboxEvent, ...]:
        """Return the newest events first; with an outcome, only events that have it."""

    def events(
        self, limit: int, after: str | None = None, outcome: Outcome | None = None
    ) -> EventPage:
        """Return up to `limit` events, newest first; with an outcome, only events that have it.

        `after` is the cursor of the page before, None for the first page. Events that cannot be
        read are left out. ContractError (BAD_CURSOR) when this inbox did not return the cursor.
        """

    def list_damaged(self) -> tuple[tuple[str, str], ...]:
        """Return the name of each record that cannot be read, with the problem and its effect.

        One call checks up to 1,000 rows of events and as many of claims; the next call goes on with
        the next ones. A row that was found damaged is checked by each call.
        """

    def list_pending(self, before: datetime) -> tuple[InboxEvent, ...]:
        """Return the events stored before `before` that have no outcome yet, oldest first."""

    def discard(self, event_key: str) -> None:
        """Delete an event; nothing happens when there is none."""

    def list_claims(self, limit: int = 500) -> tuple[Claim, ...]:
        """Return claims, newest first."""

    def forget(self, events_before: datetime, claims_before: datetime) -> int:
        """Delete settled events and claims that are older; return the number of deleted rows."""


class Ledger(Protocol):
    """The app's durable records of releases, lanes and decisions."""

    def save_release(self, record: ReleaseRecord) -> None:
        """Store a release; ConflictError when its status may not follow the stored one."""

    def get_release(self, release_id: str) -> ReleaseRecord | None:
        """Return the record of a release."""

    def list_releases(self) -> tuple[ReleaseRecord, ...]:
        """Return every release that can be read, newest first."""

    def with_status(
        self, status: ReleaseStatus, model: str = "", limit: int | None = None
    ) -> tuple[ReleaseRecord, ...]:
        """Return the releases of a status that can be read, those of one model when it is given.

        Those of each model come by their beginning, newest first. `limit` says how many are read;
        None for all.
        """

    def with_image(self, model: str, digest: str) -> tuple[ReleaseRecord, ...]:
        """Return the releases of a model with the image of this digest that can be read.

        They come by their beginning, newest first.
        """

    def newest_version(self, model: str) -> int:
        """Return the highest version number of a model that was ever released, 0 when none was.

        A version without an image counts when it may have existed (domain/release/release.py).
        """

    def count_releases(self) -> Counter[tuple[str, str]]:
        """Return the number of all releases by model and status; no record is read."""

    def repair_statuses(self) -> tuple[str, ...]:
        """Let `with_status` and `with_image` find releases that an earlier version's process wrote.

        Returns the ids of the releases that it could not find before.
        """

    def releases(self, limit: int, after: str | None = None) -> ReleasePage:
        """Return up to `limit` releases by their beginning, newest first.

        `after` is the cursor of the page before, None for the first page. Releases that cannot be
        read are left out. ContractError (BAD_CURSOR) when this ledger did not return the cursor.
        """

    def list_damaged(self) -> tuple[tuple[str, str], ...]:
        """Return the name of each record that cannot be read, with the problem and its effect.

        One call checks up to 1,000 rows of releases; the next call goes on with the next ones. A
        row that was found damaged is checked by each call.
        """

    def supersede(self, newer: Release, now: datetime) -> tuple[str, ...]:
        """Mark older waiting releases of the model; return the ids that `newer` superseded."""

    def settle(
        self, release_id: str, now: datetime, decision: Decision | None = None, stale: str = ""
    ) -> Settlement:
        """Return the outcome of a release that waits; an approved one is in progress from then.

        A newer release of the model that waits or was promoted supersedes it, also after a
        decision. `decision` is the stored one over the release; it counts only for the image and
        the evidence of the release's record. Without one, a release whose evidence is stale is in
        progress from then; `stale` is the reason, "" for none.
        """

    def successor(self, release_id: str) -> Release | None:
        """Return the release that supersedes this one as soon as it waits; None without one."""

    def take_lane(self, request: LaneRequest, now: datetime) -> LaneHolder:
        """Enter a lane or its queue, or extend the hold; return the holder."""

    def leave_lane(self, lane: str, owner: str) -> None:
        """Leave a lane, or its queue."""

    def list_lanes(self) -> tuple[LanePosition, ...]:
        """Return the holders and the queue of every lane, in the order of their turns."""

    def save_record(self, name: str, content: dict[str, str]) -> None:
        """Store a small record under a name; it replaces an earlier one."""

    def create_record(self, name: str, content: dict[str, str]) -> dict[str, str]:
        """Store a small record unless its name has one; return the stored one."""

    def get_record(self, name: str) -> dict[str, str] | None:
        """Return the record of this name, None without one."""

    def get_decision(self, release_id: str) -> Decision | None:
        """Return the decision that version 0.1.0 stored over a release; None without one."""


class Stories(Protocol):
    """The Durable client, as far as it is used."""

    async def start(self, story: str, instance_id: str, argument: Any) -> None:
        """Start an instance; its id must not be in use."""

    async def wake(self, instance_id: str, event: str) -> None:
        """Raise an external event; nothing happens when the instance has ended."""

    async def find(self, instance_id: str) -> StoryView | None:
        """Return the state of an instance; None when there is none."""

    async def argument(self, instance_id: str) -> Any:
        """Return the argument with which an instance was started; None when there is none."""

    async def list(self, since: datetime) -> list[StoryView]:
        """Return the state of the instances made since then or still under way, newest first."""

    async def forget(self, start: datetime, end: datetime) -> int:
        """Delete the histories of instances made in between that ended; return how many."""
