"""Ports of the work before a release: code, data and runs."""

from datetime import datetime
from typing import Protocol

from function_app.domain.change.change import Bundle, Change, CheckPlan, CheckReport, CodeVersion
from function_app.domain.data_quality import DataProfile, Prepared
from function_app.domain.events.arrivals import Arrival
from function_app.domain.events.events import ArrivedFile
from function_app.domain.gates import Comparison, GatePolicy
from function_app.domain.lineage.environment import RunEnvironment
from function_app.domain.training import ONE, Dataset, Judged, ModelVersion, Run, Split
from function_app.domain.training import Reference as ReferenceData


class Sources(Protocol):
    """Repositories of the models' code."""

    def fetch(self, change: Change) -> Bundle:
        """Store the files of the commit as a bundle, or return the stored bundle.

        Only the named repository is read, and none of its code runs. NotFoundError when the
        repository has no such commit.
        """

    def supersedes(self, change: Change) -> str | None:
        """Return the branch's newest commit when it contains this one, else None."""

    def confirm(self, change: Change) -> None:
        """Raise NotFoundError unless the branch, or the pull request, has the commit now."""

    def head(self, repository: str, branch: str) -> str:
        """Return the newest commit of a branch, read from the repository."""

    def post_status(self, change: Change, model: str, state: str, detail: str, link: str) -> bool:
        """Post a commit status: pending, success, failure or error; False when none was posted."""


class Datasets(Protocol):
    """Versions of each model's data."""

    def add(self, model: str, uri: str, etag: str = "") -> Dataset:
        """Store the bytes behind `uri` as the version of their digest, or return that version.

        ConflictError, code DATA_CHANGED, when an etag is given and the bytes have changed since.
        """

    def accept(
        self, dataset: Dataset, profile: DataProfile, arrival: Arrival | None = None
    ) -> None:
        """Make this version the default of trainings that bring no data.

        Do nothing when data that arrived later was accepted before; see `is_older`. The first
        accepted version becomes the model's reference data, when the model has no sample.
        """

    def latest(self, model: str) -> Dataset:
        """Return the version that was accepted last, else the reference data.

        NotFoundError when the model has neither.
        """

    def version(self, model: str, version: str) -> Dataset:
        """Return a stored version whose bytes are the ones that its name says.

        NotFoundError when it is gone, ContractError when its bytes were changed.
        """

    def reference(self, model: str) -> ReferenceData | None:
        """Return the model's reference data; None before its first data was accepted.

        The model's own sample is its reference data, when it has one.
        """

    def find(self, container: str, path: str, etag: str = "") -> ArrivedFile | None:
        """Return the current file of a container; None when there is none.

        ConflictError, code DATA_CHANGED, when an etag is given and the bytes have changed since.
        ContractError, code NOT_A_FILE for anything but a regular file, TOO_LARGE for a file that is
        larger than data may be.
        """

    def list_folder(self, container: str, folder: str) -> tuple[ArrivedFile, ...]:
        """Return the files below a folder, sorted by path; () when the folder is not the inbox.

        ContractError, code TOO_LARGE, when there are more than 1,000.
        """

    def list_unreadable(self) -> tuple[str, ...]:
        """Return a sentence for each entry of the inbox that cannot be read.

        Such an entry is not a regular file, leads out of the inbox, or is too large.
        """

    def announce(self) -> int:
        """Publish an event for each file that arrived since the last call; return their number.

        Where the storage itself sends events, this does nothing.
        """


class Jobs(Protocol):
    """Runs: preparations, trainings, evaluations, checks; each is submitted and then polled."""

    def publish(self, model: str, bundle: Bundle) -> CodeVersion:
        """Make the bundle the code of the model's new runs; equal bundles are one version."""

    def code(self, model: str, version: str = "") -> CodeVersion | None:
        """Return a published version, the last one by default; None is this app's own code.

        NotFoundError when the named version was never published.
        """

    def submit_preparation(
        self,
        run_id: str,
        dataset: Dataset,
        target: str,
        tags: dict[str, str],
        reference: Dataset | None = None,
        split: Split = ONE,
    ) -> Run:
        """Start the run that computes a version's figures and splits its rows, or return it.

        The run also compares the rows with those of `reference`.
        Every submission starts a run again that the platform interrupted.
        """

    def prepared(self, run_id: str) -> Prepared:
        """Return the result of a completed preparation."""

    def submit(
        self,
        run_id: str,
        dataset: Dataset,
        preparation_id: str,
        code: CodeVersion | None,
        tags: dict[str, str],
    ) -> Run:
        """Start a training on the seen rows of a preparation, or return the run with this id.

        With folds these are all rows.
        """

    def submit_evaluation(
        self,
        run_id: str,
        run: Run,
        preparation_id: str,
        champion: ModelVersion | None,
        policy: GatePolicy,
        tags: dict[str, str],
        look: int = 0,
    ) -> Run:
        """Start a run in which a model and the champion predict a preparation's held-out rows.

        The run compares their losses as the policy says for comparison number `look` of the model,
        0 for a comparison that was not counted. When the preparation has folds, it also trains a
        model of each fold without the fold's rows, and this model predicts them.
        """

    def judged(self, run_id: str) -> Judged:
        """Return the judgement of a completed evaluation."""

    def submit_checks(
        self, run_id: str, model: str, bundle: Bundle, plan: CheckPlan, tags: dict[str, str]
    ) -> Run:
        """Start the checks of a bundle without this app's secrets, or return that run."""

    def get(self, run_id: str) -> Run:
        """Return the state of the run; its status is `unknown` when there is none."""

    def environment(self, run_id: str) -> RunEnvironment | None:
        """Return the environment of a training as its machine reported it; None without a record.

        A training of an earlier version of this app has none. In Azure the training's own code
        could have written the record.
        """

    def cancel(self, run_id: str, reason: str = "") -> None:
        """Stop the run when it still runs; the first reason stands.

        The run is `cancelled` for the reason. Without a reason its time was over, so that it is
        `timed_out`.
        """

    def record_ended(self) -> int:
        """Record in MLflow the runs that ended since the last call; return the count."""

    def list_runs(self, since: datetime) -> tuple[Run, ...]:
        """Return the runs that this app submitted since then, as the platform knows them."""

    def comparison(self, run_id: str) -> Comparison:
        """Return the comparison of a completed evaluation."""

    def checks(self, run_id: str) -> CheckReport:
        """Return the report of a completed run of checks."""

    def log(self, run_id: str, most: int) -> bytes:
        """Return the last `most` bytes of the run's output; NotFoundError without any."""

    def report(self, run_id: str, name: str) -> bytes:
        """Return a report of a run: of checks (junit.xml, …), of a preparation (report.html, …).

        An evaluation has plots (predicted.svg, …).

        NotFoundError without it, and for any name that such runs do not write. One of more than 20
        MiB is not read: NotFoundError, or ContractError with the code TOO_LARGE.
        """
