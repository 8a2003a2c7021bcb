"""A model of this app as mlops.toml describes it, and the limits of all models."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from function_app.domain.change.change import CheckPlan
from function_app.domain.change.integration import ChangePolicy
from function_app.domain.change.program import Program
from function_app.domain.data_quality import DataPolicy
from function_app.domain.drift.retraining import DriftPolicy
from function_app.domain.events.arrivals import MIB, FileLimit
from function_app.domain.gates import GatePolicy
from function_app.domain.people.duties import ApprovalRules, Separation, UnknownAuthor
from function_app.domain.people.people import Person
from function_app.domain.release.authorization import ProductionRules
from function_app.domain.release.release import ReleasePolicy
from function_app.domain.training import TrainingPolicy
from function_app.errors import NotFoundError


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLimits:
    """Limits of a training run and its polling interval, in seconds."""

    timeout_seconds: float = 1800.0
    poll_interval_seconds: float = 30.0
    newest_only: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseRules:
    """The approvers, the time limit of an approval, and the limits of production."""

    approvers: tuple[str, ...]
    operators: tuple[str, ...] = ()
    approvals_required: int = 1
    separation_of_duties: Separation = Separation.AUTO
    unknown_author: UnknownAuthor = UnknownAuthor.RECORD
    approval_timeout_seconds: float = 259_200.0
    replicas: int = 2
    max_p95_ms: float = 500.0

    @property
    def named_people(self) -> tuple[str, ...]:
        """Return the approvers and the operators, each once."""
        return tuple(dict.fromkeys((*self.approvers, *self.operators)))


@dataclass(frozen=True, slots=True, kw_only=True)
class ExposureRules:
    """The exposure of production: `public` means from the internet, by https and with a key."""

    public: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeRules:
    """The repository of a model's code, the changes that count, and their checks.

    `branches` and `paths` are patterns: `*` matches all but `/`, `**` matches all. `lint` and
    `tests` are commands as words; `min_coverage` is in percent of the lines.
    """

    repository: str
    branches: tuple[str, ...] = ("main",)
    paths: tuple[str, ...] = ("**",)
    lint: tuple[str, ...] = ("ruff", "check", "--no-cache", ".")
    tests: tuple[str, ...] = ("pytest", "-q")
    min_coverage: float = 0.0
    auto_train: bool = True
    pull_requests: bool = True
    timeout_seconds: float = 900.0
    poll_interval_seconds: float = 10.0

    def takes_branch(self, branch: str) -> bool:
        """Return whether changes of this branch count."""
        return any(_matches(pattern, branch) for pattern in self.branches)

    def takes_paths(self, paths: tuple[str, ...] | None) -> bool:
        """Return whether one of these files counts; unknown ones do."""
        if paths is None:
            return True
        return any(_matches(pattern, path) for pattern in self.paths for path in paths)


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Train on the newest data at these times (NCRONTAB of six fields, UTC)."""

    name: str
    cron: str


# The address space of a run on one machine, in bytes, for files of up to so many MiB.
RUN_MEMORY, SMALL_FILE_MIB = 8 << 30, 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits that all models share, `[limits]` in mlops.toml."""

    max_trainings: int = 2
    max_events_per_minute: int = 1200
    max_megabytes_per_minute: int = 100
    max_orders_per_minute: int = 60
    max_file_mib: int = 200
    keep_events_days: int = 30
    keep_claims_days: int = 400
    keep_histories_days: int = 90

    def data_file(self) -> FileLimit:
        """Return the limit of a file of training data."""
        setting = f"limits.max_file_mib = {self.max_file_mib}"
        return FileLimit(most=self.max_file_mib * MIB, setting=setting)

    def run_memory(self) -> int:
        """Return the limit of the address space of a run on one machine, in bytes.

        It grows with the largest file, as the memory of the job that reads the file does
        (platform_jobs/limits.py), which is half of it: libraries and mapped files need the rest.
        """
        return RUN_MEMORY * max(self.max_file_mib, SMALL_FILE_MIB) // SMALL_FILE_MIB


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRules:
    """Types that a model file may hold: `trusted_types` are full names beyond scikit-learn's."""

    trusted_types: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelProject:
    """A model: the container of its data, its training and service, and its rules.

    `command` runs the model's commands in the folder `training`; () runs the module of this name.
    """

    container: str
    prefix: str
    training: str
    scoring: str
    command: tuple[str, ...] = ()
    data: DataPolicy
    gate: GatePolicy
    training_run: RunLimits = RunLimits()
    model: ModelRules = ModelRules()
    release: ReleaseRules
    production: ExposureRules = ExposureRules()
    code: CodeRules | None = None
    schedules: tuple[Schedule, ...] = ()
    limits: Limits = Limits()
    drift: DriftPolicy | None = None
    people: Mapping[str, Person] = field(default_factory=dict)

    @property
    def labels(self) -> str:
        """The folder in the container to which the true targets of predictions arrive later."""
        return f"{self.prefix}labels/"

    @property
    def program(self) -> Program:
        """The program that runs the model's commands."""
        return Program(module=self.training, words=self.command)

    def change_policy(self, rules: CodeRules, *, dry_run: bool) -> ChangePolicy:
        """Return the policy by which a change of this model's code is integrated."""
        plan = CheckPlan(
            lint=rules.lint,
            tests=rules.tests,
            training=self.training,
            command=self.command,
            dry_run=dry_run,
            timeout_seconds=rules.timeout_seconds,
            target=self.data.target,
            words=self.data.word_options(),
            group=self.data.group,
            metric=self.gate.own_words(),
        )
        return ChangePolicy(
            plan=plan,
            data=self.data,
            min_coverage=rules.min_coverage,
            auto_train=rules.auto_train,
            timeout=timedelta(seconds=rules.timeout_seconds),
            poll_interval=timedelta(seconds=rules.poll_interval_seconds),
        )

    def training_policy(self) -> TrainingPolicy:
        """Return the policy of a training of this model."""
        return TrainingPolicy(
            data=self.data,
            gate=self.gate,
            timeout=timedelta(seconds=self.training_run.timeout_seconds),
            poll_interval=timedelta(seconds=self.training_run.poll_interval_seconds),
            newest_only=self.training_run.newest_only,
            max_trainings=self.limits.max_trainings,
        )

    def production_rules(self) -> ProductionRules:
        """Return the people who may change production now; by default approvers operate."""
        return ProductionRules(
            approvers=self.release.approvers,
            operators=self.release.operators or self.release.approvers,
            replicas=self.release.replicas,
            required=self.release.approvals_required,
            separation=self.release.separation_of_duties,
            unknown_author=self.release.unknown_author,
            people=self.people,
        )

    def approval_rules(self) -> ApprovalRules:
        """Return the rules for approvals, as mlops.toml has them now."""
        return self.production_rules().approval

    def release_policy(self) -> ReleasePolicy:
        """Return the policy of a release of this model."""
        return ReleasePolicy(
            approvers=self.release.approvers,
            approval_timeout=timedelta(seconds=self.release.approval_timeout_seconds),
            replicas=self.release.replicas,
            max_p95_ms=self.release.max_p95_ms,
            judged_again=True,
        )


def project_of(projects: Mapping[str, ModelProject], model: str) -> ModelProject:
    """Return the project of a model; NotFoundError when mlops.toml does not have it."""
    project = projects.get(model)
    if project is None:
        raise NotFoundError(f"mlops.toml names no model {model[:60]!r}. Add it, or name another.")
    return project


def _matches(pattern: str, text: str) -> bool:
    """Return whether a pattern stands for the whole text."""
    parts = re.split(r"(\*\*|\*)", pattern)
    regex = "".join({"**": ".*", "*": "[^/]*"}.get(part, re.escape(part)) for part in parts)
    return re.fullmatch(regex, text, re.DOTALL) is not None
