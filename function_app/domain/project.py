"""One model that this app looks after, as mlops.toml describes it."""

from dataclasses import dataclass
from datetime import timedelta

from function_app.domain.data_quality import DataPolicy
from function_app.domain.gates import GatePolicy
from function_app.domain.release import ReleasePolicy
from function_app.domain.training import TrainingPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLimits:
    """How long a training run may take and how often it is looked at, in seconds."""

    timeout_seconds: float = 1800.0
    poll_interval_seconds: float = 30.0
    newest_only: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseRules:
    """Who approves, how long a release waits for it, and what production must show."""

    approvers: tuple[str, ...]
    approval_timeout_seconds: float = 259_200.0
    replicas: int = 2
    max_p95_ms: float = 500.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelProject:
    """Where a model's data arrives, what trains and serves it, and by what rules."""

    container: str
    prefix: str
    training: str
    scoring: str
    data: DataPolicy
    gate: GatePolicy
    training_run: RunLimits
    release: ReleaseRules

    def training_policy(self) -> TrainingPolicy:
        """Return what a training story of this model decides by."""
        return TrainingPolicy(
            data=self.data,
            gate=self.gate,
            timeout=timedelta(seconds=self.training_run.timeout_seconds),
            poll_interval=timedelta(seconds=self.training_run.poll_interval_seconds),
            newest_only=self.training_run.newest_only,
        )

    def release_policy(self) -> ReleasePolicy:
        """Return what a release story of this model decides by."""
        return ReleasePolicy(
            approvers=self.release.approvers,
            approval_timeout=timedelta(seconds=self.release.approval_timeout_seconds),
            replicas=self.release.replicas,
            max_p95_ms=self.release.max_p95_ms,
        )
