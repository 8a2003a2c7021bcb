"""Code, data and runs: what a training needs of a platform."""

from datetime import datetime
from typing import Protocol

from function_app.domain.change.change import Bundle, Change, CheckPlan, CheckReport, CodeVersion
from function_app.domain.data_quality import DataProfile, Prepared
from function_app.domain.events.arrivals import Arrival
from function_app.domain.events.events import ArrivedFile
from function_app.domain.gates import Comparison, GatePolicy
from function_app.domain.training import Dataset, Judged, ModelVersion, Run
from function_app.domain.training import Reference as ReferenceData


class Sources(Protocol):
    """Repositories of the models' code."""

    def fetch(self, change: Change) -> Bundle:
        """Keep the files of the commit as a bundle, or find it.

        Only the named repository is read, nothing of it is run. NotFoundError when it has no such
        commit.
        """

    def supersedes(self, change: Change) -> str | None:
        """Return the branch's newest commit when it contains this one, else None."""

    def confirm(self, change: Change) -> None:
        """Raise NotFoundError unless the branch, or the pull request, has the commit now."""

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

    def accept(
        self, dataset: Dataset, profile: DataProfile, arrival: Arrival | None = None
    ) -> None:
        """Make this the version on which trainings run that bring none of their own.

        Nothing happens when data that arrived later was accepted before; see `is_older`.
        The first one becomes the model's reference data, when the model has no sample.
        """

    def latest(self, model: str) -> Dataset:
        """Return the version that was accepted last, the reference data when none was.

        NotFoundError when the model has neither.
        """

    def reference(self, model: str) -> ReferenceData | None:
        """Return the model's reference data; None before its first data was accepted.

        The model's own sample is its reference data, when it has one.
        """

    def find(self, container: str, path: str, etag: str = "") -> ArrivedFile | None:
        """Return the file of a container as it is now; None when there is none.

        ConflictError, code DATA_CHANGED, when an etag is given and the bytes are not its any more.
        ContractError, code NOT_A_FILE for anything but a regular file, TOO_LARGE for a file that is
        larger than data may be.
        """

    def list_folder(self, container: str, folder: str) -> tuple[ArrivedFile, ...]:
        """Return the files that lie below a folder, by path; () when data lands elsewhere.

        ContractError, code TOO_LARGE, when there are more than 1,000.
        """

    def list_unreadable(self) -> tuple[str, ...]:
        """Return a sentence for each entry of the inbox that is never read, () where none can be.

        Such an entry is no regular file, leads out of the inbox, or is too large.
        """

    def announce(self) -> int:
        """Publish an event for each file that arrived since the last look; return how many.

        Where the storage itself sends events, this does nothing.
        """


class Jobs(Protocol):
    """Runs: preparations, trainings, evaluations, checks; each is submitted and then polled."""

    def publish(self, model: str, bundle: Bundle) -> CodeVersion:
        """Make the bundle the code that new runs of the model take; the same one is one version."""

    def code(self, model: str, version: str = "") -> CodeVersion | None:
        """Return a published version, without a name the last one; None means this app's own code.

        NotFoundError when the named one was never published.
        """

    def submit_preparation(
        self, run_id: str, dataset: Dataset, target: str, tags: dict[str, str]
    ) -> Run:
        """Start the run that computes a version's figures and splits its rows, or return it.

        Every submission starts a run again that the platform interrupted.
        """

    def prepared(self, run_id: str) -> Prepared:
        """Return what a completed preparation found."""

    def submit(
        self,
        run_id: str,
        dataset: Dataset,
        preparation_id: str,
        code: CodeVersion | None,
        tags: dict[str, str],
    ) -> Run:
        """Start a training on the seen rows of a preparation, or return the run with this id."""

    def submit_evaluation(
        self,
        run_id: str,
        run: Run,
        preparation_id: str,
        champion: ModelVersion | None,
        policy: GatePolicy,
        tags: dict[str, str],
    ) -> Run:
        """Let the run's model and the champion predict a preparation's held-out rows, in a run.

        The run compares their errors as the policy says.
        """

    def judged(self, run_id: str) -> Judged:
        """Return what a completed evaluation judged."""

    def submit_checks(
        self, run_id: str, model: str, bundle: Bundle, plan: CheckPlan, tags: dict[str, str]
    ) -> Run:
        """Start the checks of a bundle without this app's secrets, or return that run."""

    def get(self, run_id: str) -> Run:
        """Return where the run stands; its status is `unknown` when there is none."""

    def cancel(self, run_id: str, reason: str = "") -> None:
        """Stop the run when it still runs; the first reason stands.

        The run is `cancelled` for the reason. Without a reason its time was over, so that it is
        `timed_out`.
        """

    def record_ended(self) -> int:
        """Record the runs that ended since the last call in the tracking; return how many.

        Where the platform itself records its runs, this does nothing.
        """

    def list_runs(self, since: datetime) -> tuple[Run, ...]:
        """Return the runs that this app submitted since then, as the platform knows them."""

    def comparison(self, run_id: str) -> Comparison:
        """Return what a completed evaluation found."""

    def checks(self, run_id: str) -> CheckReport:
        """Return what a completed run of checks wrote."""

    def log(self, run_id: str, most: int) -> bytes:
        """Return at most the last `most` bytes of what the run has printed; NotFoundError else."""

    def report(self, run_id: str, name: str) -> bytes:
        """Return a kept report of a run (junit.xml, coverage.xml, log); NotFoundError else."""
