"""The compute targets of runs in Azure: each kind of code has its own compute and identity.

A run can take every token that its compute can. Trainings and predictions run merged code,
checks run code that is not merged yet, and judging runs the code of this app, because it sees the
held-out rows and writes the evidence by which a release is decided.
"""

from dataclasses import dataclass

from function_app.settings.azure import SERVERLESS, AzureSettings

TRAININGS, CHECKS, JUDGING = "compute", "checks compute", "judging compute"


@dataclass(frozen=True, slots=True, kw_only=True)
class ComputeTarget:
    """A compute, and the identity that runs have on it."""

    name: str
    compute: str
    identity: str
    nodes: int

    @property
    def is_serverless(self) -> bool:
        """Return whether Azure chooses the nodes."""
        return self.compute == SERVERLESS


def trainings_target(settings: AzureSettings) -> ComputeTarget:
    """Return the target of merged model code: trainings, samples and predictions."""
    s = settings
    return ComputeTarget(
        name=TRAININGS, compute=s.compute, identity=s.compute_identity, nodes=s.compute_nodes
    )


def judging_target(settings: AzureSettings) -> ComputeTarget:
    """Return the target of this app's own code, which prepares data and judges models."""
    s = settings
    identity = s.judge_identity or s.compute_identity
    return ComputeTarget(
        name=JUDGING, compute=s.judge_compute, identity=identity, nodes=s.judge_nodes
    )


def checks_target(settings: AzureSettings) -> ComputeTarget:
    """Return the target of checks, which run code of any contributor."""
    s = settings
    identity = s.checks_identity or s.compute_identity
    return ComputeTarget(
        name=CHECKS, compute=s.checks_compute, identity=identity, nodes=s.compute_nodes
    )


def compute_targets(settings: AzureSettings) -> tuple[ComputeTarget, ...]:
    """Return the compute targets of this app, each compute once."""
    targets: dict[str, ComputeTarget] = {}
    for target in (trainings_target, judging_target, checks_target):
        targets.setdefault(target(settings).compute, target(settings))
    return tuple(targets.values())
