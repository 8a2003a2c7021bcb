"""Where runs run in Azure: each kind of code has a compute and an identity of its own.

A run can take every token that its compute can. Trainings and models' answers are code that was
merged, checks are code that nobody merged yet, and judging is this app's own code: it sees the
held-out rows and writes what a release is decided by.
"""

from dataclasses import dataclass

from function_app.settings.azure import SERVERLESS, AzureSettings

TRAININGS, CHECKS, JUDGING = "compute", "checks compute", "judging compute"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A compute, and the identity that runs have on it."""

    name: str
    compute: str
    identity: str
    nodes: int

    @property
    def is_serverless(self) -> bool:
        """Return whether Azure chooses the nodes."""
        return self.compute == SERVERLESS


def place_of_trainings(settings: AzureSettings) -> Place:
    """Return where models' code runs that was merged: trainings, samples and answers."""
    s = settings
    return Place(
        name=TRAININGS, compute=s.compute, identity=s.compute_identity, nodes=s.compute_nodes
    )


def place_of_judging(settings: AzureSettings) -> Place:
    """Return where this app's own code prepares data and judges models."""
    s = settings
    identity = s.judge_identity or s.compute_identity
    return Place(name=JUDGING, compute=s.judge_compute, identity=identity, nodes=s.judge_nodes)


def place_of_checks(settings: AzureSettings) -> Place:
    """Return where checks run, whose code may come from anybody."""
    s = settings
    identity = s.checks_identity or s.compute_identity
    return Place(name=CHECKS, compute=s.checks_compute, identity=identity, nodes=s.compute_nodes)


def places(settings: AzureSettings) -> tuple[Place, ...]:
    """Return the places of this app, each compute once."""
    found: dict[str, Place] = {}
    for place in (place_of_trainings, place_of_judging, place_of_checks):
        found.setdefault(place(settings).compute, place(settings))
    return tuple(found.values())
