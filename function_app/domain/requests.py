"""Arguments and results of activities that are more than one domain object."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from function_app.domain.data_quality import DataPolicy
from function_app.domain.events.arrivals import Arrival
from function_app.domain.events.caller import Caller
from function_app.domain.gates import GatePolicy
from function_app.domain.lineage.origin import Training
from function_app.domain.release.approval import Evidence
from function_app.domain.release.release import (
    Release,
    ReleaseRecord,
    ReleaseResult,
    ReleaseStatus,
)
from function_app.domain.release.serving import Deployment, Image
from function_app.domain.text import identifiers as ids
from function_app.domain.training import Dataset, Run


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetRequest:
    """Store the data behind `uri` as a version; "" is the newest data."""

    model: ids.ModelName
    uri: ids.OrEmpty[ids.Address]
    etag: ids.OrEmpty[ids.Opaque] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDataset:
    """A version of the data, or the reason that there is none.

    `changed` means that the file is no longer the file of the event.
    """

    dataset: Dataset | None = None
    refused: str = ""
    changed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparationRequest:
    """Compute the figures of a version and split its rows, and wake `instance_id` when done.

    `group` is the column whose equal cells stay together, "" for none. With more than one of the
    `folds` all rows judge.
    """

    run_id: ids.RunId
    dataset: Dataset
    target: str
    instance_id: ids.InstanceId
    group: str = ""
    folds: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetCheck:
    """Judge the preparation of a version before a training reads it.

    `brought` data becomes the newest when it passes, unless data of a later `arrival` was accepted.
    """

    preparation_id: ids.RunId
    dataset: Dataset
    policy: DataPolicy
    brought: bool = True
    arrival: Arrival | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """Train on the seen rows of a preparation and wake `instance_id` when done."""

    run_id: ids.RunId
    dataset: Dataset
    preparation_id: ids.RunId
    instance_id: ids.InstanceId
    code_version: ids.OrEmpty[ids.CodeDigest] = ""
    started_by: tuple[ids.Person, ...] = ()
    caller: Caller = field(default_factory=Caller)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunId:
    """Names a run."""

    run_id: ids.RunId


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationRequest:
    """Evaluate a run's model and the present champion on the held-out rows of a preparation.

    `attempt` is that of the release which judges its version again: each has a run of its own,
    unless an earlier one completed.
    """

    run: Run
    preparation_id: ids.RunId
    instance_id: ids.InstanceId
    policy: GatePolicy
    attempt: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Judge the results of an evaluation."""

    evaluation_id: ids.RunId
    policy: GatePolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonPlan:
    """The comparison with the present champion that a release needs before it goes on.

    `stale` is the reason that the release may not be promoted by its evidence, "" for none. With a
    `request` its version must be judged first. `refused` is the reason that this is impossible.
    `superseded` are the reasons of a release that a newer one supersedes: it is not judged.
    `champion` is the version that production serves, "" for none. `timeout` is the limit of a
    training, from which that of the evaluation follows; it runs in the lane of all trainings, which
    holds `max_trainings`.
    """

    stale: str = ""
    champion: ids.OrEmpty[ids.Version] = ""
    refused: str = ""
    superseded: tuple[str, ...] = ()
    request: EvaluationRequest | None = None
    timeout: timedelta = timedelta(0)
    poll_interval: timedelta = timedelta(seconds=30)
    max_trainings: int = 2

    @property
    def must_judge(self) -> bool:
        """True when the evidence cannot be about the present champion before a judging."""
        return bool(self.request or self.refused or self.superseded)


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """Register the model of a judged run; `started_by` are the people who requested it."""

    run: Run
    evaluation_id: ids.RunId
    started_by: tuple[ids.Person, ...] = ()
    training: Training = field(default_factory=Training)


@dataclass(frozen=True, slots=True, kw_only=True)
class SmokeTest:
    """Try a deployment of a release."""

    release: Release
    deployment: Deployment


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRequest:
    """Request a decision from the approvers of a release."""

    release: Release
    image: Image
    evidence: Evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """Move production's traffic to an image."""

    release: Release
    image: Image


@dataclass(frozen=True, slots=True, kw_only=True)
class RollBack:
    """Return production's traffic to a former champion, or to nothing.

    `order` is the id of a person's stored order, `restores` the release whose own promotion failed;
    the ledger alone gives them a meaning. The other fields are for people who read the history.
    """

    model: ids.ModelName
    former: Image | None = None
    release: Release | None = None
    by: ids.OrEmpty[ids.Person] = ""
    comment: str = ""
    order: str = ""
    restores: Release | None = None

    @property
    def reason(self) -> str:
        """Return the sentence with the person who rolled back, the version and the comment."""
        person = self.by or "Somebody"
        text = f"{person} took production down"
        if self.former is not None:
            text = f"{person} rolled back to version {self.former.version}"
        return f"{text}: {self.comment}" if self.comment else f"{text}."


@dataclass(frozen=True, slots=True, kw_only=True)
class RolledBack:
    """The served image; the roll-back is under way while it is not `done`.

    `failure` is the reason that this attempt failed; the next request starts a new attempt.
    `restored` is True when production serves the image to which the order or the failed promotion
    returns; None in the answers of version 0.1.0.
    """

    done: bool
    image: Image | None = None
    failure: str = ""
    restored: bool | None = None

    def gave_back(self, former: Image | None) -> bool:
        """Return whether the traffic is at the right image; `former` is the target in 0.1.0."""
        return self.image == former if self.restored is None else self.restored


@dataclass(frozen=True, slots=True, kw_only=True)
class RollBackResult:
    """The end of a roll-back: whether the former champion serves again, and the served image."""

    restored: bool
    served: Image | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Champion:
    """The served image, None before the first promotion."""

    image: Image | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseUpdate:
    """Record the state of a release; a field that is None or empty changes nothing."""

    release: Release
    status: ReleaseStatus
    image: Image | None = None
    reasons: tuple[str, ...] = ()
    endpoint: ids.Address | None = None
    rolled_back_by: ids.Person | None = None
    cancelled_by: ids.Person | None = None

    def applied_to(
        self, record: ReleaseRecord, decided_by: ids.Person | None, now: datetime
    ) -> ReleaseRecord:
        """Return the record with this status and these fields."""
        return replace(
            record,
            status=self.status,
            image=self.image or record.image,
            reasons=self.reasons or record.reasons,
            endpoint=self.endpoint or record.endpoint,
            decided_by=decided_by,
            rolled_back_by=self.rolled_back_by or record.rolled_back_by,
            cancelled_by=self.cancelled_by or record.cancelled_by,
            updated_at=now,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseEnd:
    """Record the result of a release and notify people."""

    release: Release
    result: ReleaseResult
