"""What activities need of a platform; each adapter folder implements all of it.

Operations that create or get (builds, deployments, promotions, runs) are idempotent in one way on
every platform: a call returns what succeeded or is under way, and starts it otherwise. A failure is
never an answer for good. AttemptError reports the failure of an attempt once; the next call starts
a new attempt.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from function_app.domain.approval import Decision, Evidence, Settlement
from function_app.domain.arrivals import Arrival
from function_app.domain.change import Bundle, Change, CheckPlan, CheckReport, CodeVersion
from function_app.domain.data_quality import DataProfile
from function_app.domain.events import ArrivedFile
from function_app.domain.gates import Predictions
from function_app.domain.inbox import Claim, Claimed, InboxEvent, Outcome
from function_app.domain.lane import LaneHolder, LanePlace, LaneRequest
from function_app.domain.observations import ObservationBatch, Reference, Watched
from function_app.domain.outcomes import StoryEnd
from function_app.domain.platform import EnsuredPart, PlannedPart
from function_app.domain.reconciliation import Finding
from function_app.domain.release import Release, ReleaseRecord, ReleaseResult
from function_app.domain.serving import (
    Build,
    Deployment,
    Image,
    Rollout,
    Serving,
    SmokeReport,
)
from function_app.domain.training import Dataset, ModelVersion, Run


class Sources(Protocol):
    """Repositories of the models' code."""

    def fetch(self, change: Change) -> Bundle:
        """Keep the files of the commit as a bundle, or find it.

        Only the named repository is read, nothing of it is run. NotFoundError when it has no such
        commit.
        """

    def supersedes(self, change: Change) -> str | None:
        """Return the branch's newest commit when it contains this one, else None."""

    def head(self, repository: str, branch: str) -> str:
        """Return the newest commit of a branch, as the repository says now."""

    def tell(self, change: Change, model: str, state: str, detail: str, link: str) -> bool:
        """Post a model's commit status (pending, success, failure, error); False when none is."""


class Datasets(Protocol):
    """Versions of each model's data."""

    def add(self, model: str, uri: str, etag: str = "") -> Dataset:
        """Keep the bytes behind `uri` as the version of their digest, or find that version.

        ConflictError, code DATA_CHANGED, when an etag is given and the bytes are not its any more.
        """

    def accept(self, dataset: Dataset, arrival: Arrival | None = None) -> None:
        """Make this the version on which trainings run that bring none of their own.

        Nothing happens when data that arrived later was accepted before; see `is_older`.
        """

    def latest(self, model: str) -> Dataset:
        """Return the version that was accepted last, the reference data when none was."""

    def profile(self, dataset: Dataset) -> DataProfile:
        """Return the figures of a version; ContractError when it is no readable CSV."""

    def baseline(self, model: str) -> DataProfile:
        """Return the figures of the reference data."""

    def list_folder(self, container: str, folder: str) -> tuple[ArrivedFile, ...]:
        """Return the files that lie below a folder, by path; () when data lands elsewhere.

        ContractError, code TOO_LARGE, when there are more than 1,000.
        """

    def announce(self) -> int:
        """Publish an event for each file that arrived since the last look; return how many.

        Where the storage itself sends events, this does nothing.
        """


class Jobs(Protocol):
    """Runs: trainings, evaluations and checks of code; each is submitted and then looked at."""

    def publish(self, model: str, bundle: Bundle) -> CodeVersion:
        """Make the bundle the code that new runs of the model take; the same one is one version."""

    def code(self, model: str, version: str = "") -> CodeVersion | None:
        """Return a published version, without a name the last one; None means this app's own code.

        NotFoundError when the named one was never published.
        """

    def submit(
        self, run_id: str, dataset: Dataset, code: CodeVersion | None, tags: dict[str, str]
    ) -> Run:
        """Start a training, or return the run that has this id and has not failed.

        Every submission starts a run again that the platform interrupted.
        """

    def submit_evaluation(
        self, run_id: str, run: Run, champion: ModelVersion | None, tags: dict[str, str]
    ) -> Run:
        """Let the run's model and the champion predict the run's held-out rows, in a run."""

    def submit_checks(
        self, run_id: str, model: str, bundle: Bundle, plan: CheckPlan, tags: dict[str, str]
    ) -> Run:
        """Start the checks of a bundle without this app's secrets, or return that run."""

    def get(self, run_id: str) -> Run:
        """Return where the run stands; its status is `unknown` when there is none."""

    def cancel(self, run_id: str) -> None:
        """Stop the run when it still runs."""

    def list_runs(self, since: datetime) -> tuple[Run, ...]:
        """Return the runs that this app submitted since then, as the platform knows them."""

    def predictions(self, run_id: str) -> Predictions:
        """Return what a completed evaluation wrote."""

    def checks(self, run_id: str) -> CheckReport:
        """Return what a completed run of checks wrote."""

    def log(self, run_id: str, most: int) -> bytes:
        """Return at most the last `most` bytes of what the run has printed; NotFoundError else."""

    def report(self, run_id: str, name: str) -> bytes:
        """Return a kept report of a run (junit.xml, coverage.xml, log); NotFoundError else."""


class Registry(Protocol):
    """Registered models."""

    def register(self, run: Run) -> ModelVersion:
        """Register the run's model, or return the version that an earlier attempt registered."""

    def get(self, model: str, version: str) -> ModelVersion:
        """Return a version; NotFoundError when there is none."""

    def list_versions(self, model: str) -> tuple[ModelVersion, ...]:
        """Return every version of a model, oldest first.

        A version that somebody else registered has an empty run id.
        """

    def mark_champion(self, version: ModelVersion) -> None:
        """Move the alias `champion`; a note for people, never what a story decides by."""


class Images(Protocol):
    """Container images."""

    def build(self, version: ModelVersion) -> Build:
        """Start the build of this version's image or say where it stands; ask until there is one.

        The same version gives the same digest. AttemptError when the build failed.
        """


class Staging(Protocol):
    """Where an image is tried."""

    def deploy(self, release_id: str, image: Image) -> Rollout:
        """Run the image, or say where this release's deployment stands; ask until it is there.

        AttemptError when the deployment failed.
        """

    def remove(self, release_id: str) -> None:
        """Remove the release's deployment; nothing happens when there is none."""

    def list_releases(self) -> tuple[str, ...]:
        """Return the ids of the releases that have a deployment, as the platform knows them."""

    def list_foreign(self) -> tuple[str, ...]:
        """Return what is named like a deployment of this app and was not made by it."""

    def expired(self, now: datetime) -> tuple[str, ...]:
        """Return those whose deployment has outlived STAGING_LIFE, whatever became of them."""


class Production(Protocol):
    """What answers the users."""

    def champion(self, model: str) -> Image | None:
        """Return the image that production serves, read back from production."""

    def endpoint(self, model: str) -> str | None:
        """Return where production listens, or None when it serves nothing."""

    def promote(self, release_id: str, image: Image, replicas: int) -> Rollout:
        """Serve this image to all traffic once its replicas are ready; ask until it is done.

        AttemptError when the replicas failed; production serves the former image then.
        """

    def roll_back(self, model: str, image: Image | None) -> Rollout:
        """Serve a former image again, or nothing when there was none; ask until it is done.

        AttemptError when the replicas failed.
        """

    def serving(self, model: str) -> Serving | None:
        """Return what should serve the model and how much of it is ready; None when nothing should.

        PlatformError when production does not answer.
        """

    def repair(self, model: str) -> None:
        """Start the missing replicas of what should serve, now; nothing happens when none is."""


class Observations(Protocol):
    """What production was asked and answered, and what turned out to be true later."""

    def reference(self, watched: Watched) -> Reference | None:
        """Return what the champion was trained on; None when its training data is gone."""

    def read(
        self, reference: Reference, after: str, allowed: float | None, rows_per_request: int
    ) -> ObservationBatch:
        """Count what came after the cursor; "" is the beginning of what is kept.

        `allowed` is the mean squared error that bets on labels are against; of one request at most
        `rows_per_request` count.
        """


class Clock(Protocol):
    """The time."""

    def now(self) -> datetime:
        """Return the time in UTC."""


class Probe(Protocol):
    """Requests to a deployment."""

    def smoke_test(self, deployment: Deployment, version: ModelVersion) -> SmokeReport:
        """Ask for the golden rows and compare with the offline model."""


class Inbox(Protocol):
    """What came in, kept before anybody is told that it was taken."""

    def accept(self, events: Sequence[InboxEvent]) -> tuple[InboxEvent, ...]:
        """Keep all of the events or none; return each as it is kept, an earlier one unchanged."""

    def claim(self, claim: Claim) -> Claimed:
        """Claim a cause once; return the kept claim and a newer one of the same subject."""

    def settle(self, event: InboxEvent) -> None:
        """Record what became of an event."""

    def get(self, event_key: str) -> InboxEvent | None:
        """Return one event."""

    def list_events(
        self, outcome: Outcome | None = None, limit: int = 500
    ) -> tuple[InboxEvent, ...]:
        """Return the newest events first, those with this outcome when one is given."""

    def list_pending(self, before: datetime) -> tuple[InboxEvent, ...]:
        """Return events kept before then that nothing became of yet, oldest first."""

    def count_since(self, channel: str, moment: datetime) -> int:
        """Return how many events came by this channel since then."""

    def discard(self, event_key: str) -> None:
        """Forget an event; nothing happens when it is gone already."""

    def list_claims(self, limit: int = 500) -> tuple[Claim, ...]:
        """Return claims, newest first."""

    def forget(self, events_before: datetime, claims_before: datetime) -> int:
        """Delete settled events and claims that are older; return how many."""


class Ledger(Protocol):
    """Our durable records."""

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

    def list_lanes(self) -> tuple[LanePlace, ...]:
        """Return every place in every lane, those inside first, then by their turn."""

    def keep_note(self, name: str, content: dict[str, str]) -> None:
        """Keep a small record under a name, instead of an earlier one."""

    def read_note(self, name: str) -> dict[str, str] | None:
        """Return the record of this name."""

    def get_decision(self, release_id: str) -> Decision | None:
        """Return the decision over a release."""


class Events(Protocol):
    """The topic on which this app publishes what happens."""

    def publish(self, kind: str, subject: str, content: dict[str, object]) -> None:
        """Publish an event; the topic has stored it when this returns."""


class Notifier(Protocol):
    """Messages to people."""

    def ask_for_approval(self, release: Release, evidence: Evidence) -> None:
        """Tell the approvers that a release waits for them."""

    def tell_result(self, release: Release, result: ReleaseResult) -> None:
        """Tell how a release ended."""

    def tell_outcome(self, end: StoryEnd) -> None:
        """Notify the operators that a story ended in a failure or a rejection."""

    def tell_findings(self, findings: tuple[Finding, ...]) -> None:
        """Tell the operators what disagrees and was not repaired."""


class Approvers(Protocol):
    """The people who may decide."""

    def identify(self, token: str) -> str | None:
        """Return whose token this is, or None."""


class Stories(Protocol):
    """The Durable client, as far as it is used."""

    async def start(self, story: str, instance_id: str, argument: Any) -> None:
        """Start an instance; its id must not be in use."""

    async def wake(self, instance_id: str, event: str) -> None:
        """Raise an external event; nothing happens when the instance has ended."""

    async def find(self, instance_id: str) -> dict[str, Any] | None:
        """Return the state of an instance; None when there is none."""

    async def argument(self, instance_id: str) -> Any:
        """Return the argument with which an instance was started; None when there is none."""

    async def list(self, since: datetime) -> list[dict[str, Any]]:
        """Return the state of the instances made since then or still under way, newest first."""

    async def forget(self, start: datetime, end: datetime) -> int:
        """Delete the histories of instances made in between that ended; return how many."""


class Platform(Protocol):
    """What must stand before the first event."""

    def parts(self) -> tuple[str, ...]:
        """Return the names of the parts, in the order in which they are made."""

    def plan(self, part: str) -> PlannedPart:
        """Look at a part and say what making it would do; changes nothing."""

    def ensure(self, part: str) -> EnsuredPart:
        """Make a part or find it; ask again while it is not ready."""

    def remove(self, part: str) -> str:
        """Remove a part; return in a few words what was removed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Every port of one platform."""

    sources: Sources
    datasets: Datasets
    jobs: Jobs
    registry: Registry
    images: Images
    staging: Staging
    production: Production
    probe: Probe
    inbox: Inbox
    ledger: Ledger
    events: Events
    notifier: Notifier
    clock: Clock
    approvers: Approvers
    platform: Platform
    observations: Observations
