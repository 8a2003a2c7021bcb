"""Registered models, images, and where they are served and watched."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Protocol

from function_app.domain.drift.observations import ObservationBatch, Reference, Watched
from function_app.domain.people.authorship import Authors
from function_app.domain.release.serving import (
    Build,
    Deployment,
    Image,
    Rollout,
    Serving,
    SmokeReport,
)
from function_app.domain.training import Judged, ModelVersion, Run


class Registry(Protocol):
    """Registered models."""

    def register(self, run: Run, judged: Judged, authors: Authors = ()) -> ModelVersion:
        """Register the run's model, or return the version that an earlier attempt registered.

        The version keeps its `authors`; they are immutable.

        PlatformError when the model folder is not the one that was judged.
        """

    def get(self, model: str, version: str) -> ModelVersion:
        """Return a version; NotFoundError when there is none."""

    def list_versions(self, model: str) -> Iterator[ModelVersion]:
        """Yield every version of a model as its platform lists it; pages are read one by one.

        In Azure the run is the one that the version's tags name, which people may change, and the
        digest is empty; `get` returns the version as it was registered. A version that another tool
        registered has an empty run id.
        """

    def attach(self, version: ModelVersion, files: Mapping[str, bytes]) -> None:
        """Store files behind the evidence of an own version, by name, where only this app writes.

        A file that is attached already stays. The version's run in MLflow has the files on this
        machine, and in Azure a tag with the address of their folder. The model card, model-card.md,
        becomes the description of the version, in Azure its first 4,000 characters.
        """

    def describe(self, version: ModelVersion, card: str) -> None:
        """Make the attached model card of this name the description of an own version.

        It replaces another card. In Azure it replaces no text of a person, and a failure is logged
        only, because the description is for readers.
        """

    def attached(self, version: ModelVersion, name: str) -> bytes | None:
        """Return a file that was attached to an own version; None without one of this name."""

    def mark_champion(self, version: ModelVersion) -> None:
        """Move the alias `champion`, which informs people; no story decides by it."""


class Images(Protocol):
    """Container images."""

    def build(self, version: ModelVersion) -> Build:
        """Start the build of this version's image or return its state; the caller polls.

        The same version gives the same digest. AttemptError when the build failed.
        """

    def find(self, model: str, version: str) -> str | None:
        """Return the digest of the image under a version's tag; None when there is no such tag."""

    def at(self, model: str, version: str, digest: str) -> Image:
        """Return the image of this digest with its address in the app's own store.

        Nothing is requested of the store, which may not have the image.
        """


class Staging(Protocol):
    """The environment in which an image is tested before production."""

    def deploy(self, release_id: str, image: Image) -> Rollout:
        """Deploy the image, or return the state of this release's deployment; the caller polls.

        AttemptError when the deployment failed.
        """

    def remove(self, release_id: str) -> None:
        """Remove the release's deployment; nothing happens when there is none."""

    def list_releases(self) -> tuple[str, ...]:
        """Return the ids of the releases that have a deployment, as the platform knows them."""

    def list_foreign(self) -> tuple[str, ...]:
        """Return the names of deployments with this app's naming that this app did not make."""

    def expired(self, now: datetime) -> tuple[str, ...]:
        """Return the ids of releases whose deployment is older than STAGING_LIFE."""


class Production(Protocol):
    """The environment that answers the users."""

    def champion(self, model: str) -> Image | None:
        """Return the image that production serves, read back from production."""

    def endpoint(self, model: str) -> str | None:
        """Return the URL of production, None when it serves nothing."""

    def promote(self, release_id: str, image: Image, replicas: int) -> Rollout:
        """Serve this image to all traffic once its replicas are ready; the caller polls.

        AttemptError when the replicas failed; production serves the former image then.
        """

    def roll_back(self, model: str, image: Image | None) -> Rollout:
        """Serve a former image again, or nothing when there was none; the caller polls.

        AttemptError when the replicas failed.
        """

    def serving(self, model: str) -> Serving | None:
        """Return the desired and the ready replicas of a model, None when none are desired.

        PlatformError when production does not answer.
        """

    def caller_header(self, model: str) -> str:
        """Return the argument of `curl -H` that reads the key from a file or by a command."""

    def rotate_keys(self, model: str) -> str:
        """Replace the older of the callers' two keys, make it the first, and return its header.

        The former first key works until the next rotation. NotFoundError when there are no keys,
        ConflictError where the platform itself checks the callers.
        """

    def repair(self, model: str) -> None:
        """Start the missing replicas of the desired state now; idempotent."""


class Probe(Protocol):
    """Requests to a deployment."""

    def smoke_test(self, deployment: Deployment, version: ModelVersion) -> SmokeReport:
        """Request predictions of the golden rows; return them with those of the offline model."""

    def answers_without_key(self, model: str, endpoint: str) -> bool:
        """Return whether a model's production takes requests without a key.

        False when it does not answer at all.
        """


class Observations(Protocol):
    """The logged predictions of production, and the true labels that arrive later."""

    def reference(self, watched: Watched) -> Reference | None:
        """Return the champion's training data as a reference, None when that data is gone."""

    def read(
        self, reference: Reference, after: str, allowed: float | None, rows_per_request: int
    ) -> ObservationBatch:
        """Return the counts of the observations after the cursor; "" is the oldest stored one.

        `allowed` is the mean squared error that bets on labels are against; of one request at most
        `rows_per_request` count.
        """
