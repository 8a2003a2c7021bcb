"""What activities need of a platform; each adapter folder implements all of it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from function_app.domain.approval import Decision, Evidence, Settlement
from function_app.domain.data_quality import DataProfile
from function_app.domain.gates import Predictions
from function_app.domain.inbox import Claim, DeadLetter
from function_app.domain.lane import LaneHolder, LaneRequest
from function_app.domain.platform import PlatformPart
from function_app.domain.release import Release, ReleaseRecord, ReleaseResult
from function_app.domain.serving import Deployment, Image, SmokeReport
from function_app.domain.training import Dataset, ModelVersion, Run


class Datasets(Protocol):
    """Versions of each model's data."""

    def add(self, model: str, uri: str) -> Dataset:
        """Keep the bytes behind `uri` as the version of their digest, or find that version."""

    def profile(self, dataset: Dataset) -> DataProfile:
        """Return the figures of a version; ContractError when it is no readable CSV."""

    def baseline(self, model: str) -> DataProfile:
        """Return the figures of the reference data."""

    def announce(self) -> int:
        """Publish an event for each file that arrived since the last look; return how many.

        Where the storage itself sends events, this does nothing.
        """


class Jobs(Protocol):
    """Training runs."""

    def submit(self, run_id: str, dataset: Dataset, tags: dict[str, str]) -> Run:
        """Start the run, or return the one that has this id."""

    def get(self, run_id: str) -> Run:
        """Return where the run stands; its status is `unknown` when there is none."""

    def cancel(self, run_id: str) -> None:
        """Stop the run when it still runs."""

    def predict(self, run: Run, champion: ModelVersion | None) -> Predictions:
        """Return what the run's model and the champion say of the run's held-out rows."""


class Registry(Protocol):
    """Registered models."""

    def register(self, run: Run) -> ModelVersion:
        """Register the run's model, or return the version that an earlier attempt registered."""

    def get(self, model: str, version: str) -> ModelVersion:
        """Return a version; NotFoundError when there is none."""

    def mark_champion(self, version: ModelVersion) -> None:
        """Move the alias `champion`; a note for people, never what a story decides by."""


class Images(Protocol):
    """Container images."""

    def build(self, version: ModelVersion) -> Image:
        """Build the image of this version; the same version gives the same digest."""


class Staging(Protocol):
    """Where an image is tried."""

    def deploy(self, release_id: str, image: Image) -> Deployment:
        """Run the image, or return the deployment of this release that runs it already."""

    def remove(self, release_id: str) -> None:
        """Remove the release's deployment; nothing happens when there is none."""


class Production(Protocol):
    """What answers the users."""

    def champion(self, model: str) -> Image | None:
        """Return the image that production serves, read back from production."""

    def promote(self, release_id: str, image: Image, replicas: int) -> Deployment:
        """Serve this image to all traffic, once its replicas are ready."""

    def roll_back(self, model: str, image: Image | None) -> Deployment | None:
        """Serve a former image again, or nothing when there was none."""


class Clock(Protocol):
    """The time."""

    def now(self) -> datetime:
        """Return the time in UTC."""


class Probe(Protocol):
    """Requests to a deployment."""

    def smoke_test(self, deployment: Deployment, version: ModelVersion) -> SmokeReport:
        """Ask for the golden rows and compare with the offline model."""


class Ledger(Protocol):
    """Our durable records."""

    def claim(self, claim: Claim) -> Claim:
        """Claim a cause once; return the stored claim, an earlier one when there was one."""

    def list_claims(self) -> tuple[Claim, ...]:
        """Return every claim, newest first."""

    def bury(self, letter: DeadLetter) -> None:
        """Keep an event that nothing took; the same one is kept once."""

    def list_dead_letters(self) -> tuple[DeadLetter, ...]:
        """Return every dead letter, newest first."""

    def get_dead_letter(self, letter_id: str) -> DeadLetter | None:
        """Return one dead letter."""

    def discard_dead_letter(self, letter_id: str) -> None:
        """Delete a dead letter; nothing happens when it is gone already."""

    def save_release(self, record: ReleaseRecord) -> None:
        """Store a release; ConflictError when its status may not follow the stored one."""

    def get_release(self, release_id: str) -> ReleaseRecord | None:
        """Return the record of a release."""

    def list_releases(self) -> tuple[ReleaseRecord, ...]:
        """Return every release, newest first."""

    def supersede(self, newer: Release, now: datetime) -> tuple[str, ...]:
        """Mark older releases of the model that wait for approval; return those `newer` took."""

    def decide(self, decision: Decision) -> Decision:
        """Store the first decision over a release; return the stored one.

        ConflictError when the release no longer waits for it.
        """

    def settle(self, release_id: str, now: datetime) -> Settlement:
        """Return what became of a release that waits; an approved one is in progress from then."""

    def take_lane(self, request: LaneRequest, now: datetime) -> LaneHolder:
        """Take or keep a place in a lane; return who is in it."""

    def leave_lane(self, lane: str, owner: str) -> None:
        """Give up a place in a lane."""

    def get_decision(self, release_id: str) -> Decision | None:
        """Return the decision over a release."""


class Notifier(Protocol):
    """Messages to people."""

    def ask_for_approval(self, release: Release, evidence: Evidence) -> None:
        """Tell the approvers that a release waits for them."""

    def tell_result(self, release: Release, result: ReleaseResult) -> None:
        """Tell how a release ended."""


class Approvers(Protocol):
    """The people who may decide."""

    def identify(self, token: str) -> str | None:
        """Return whose token this is, or None."""


class Platform(Protocol):
    """What must stand before the first event."""

    def ensure(self, part: PlatformPart) -> str:
        """Make a part or find it; return in a few words which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Every port of one platform."""

    datasets: Datasets
    jobs: Jobs
    registry: Registry
    images: Images
    staging: Staging
    production: Production
    probe: Probe
    ledger: Ledger
    notifier: Notifier
    clock: Clock
    approvers: Approvers
    platform: Platform
