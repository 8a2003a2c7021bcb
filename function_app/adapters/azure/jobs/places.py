"""Where runs run in Azure: code that nobody merged yet has a compute and an identity of its own."""

from dataclasses import dataclass

from function_app.settings.azure import SERVERLESS, AzureSettings

TRAININGS, CHECKS = "compute", "checks compute"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A compute, and the identity that runs have on it."""

    name: str
    compute: str
    identity: str

    @property
    def is_serverless(self) -> bool:
        """Return whether Azure chooses the nodes."""
        return self.compute == SERVERLESS


def place_of_trainings(settings: AzureSettings) -> Place:
    """Return where code runs that was merged: trainings and evaluations."""
    return Place(name=TRAININGS, compute=settings.compute, identity=settings.compute_identity)


def place_of_checks(settings: AzureSettings) -> Place:
    """Return where checks run, whose code may come from anybody."""
    identity = settings.checks_identity or settings.compute_identity
    return Place(name=CHECKS, compute=settings.checks_compute, identity=identity)


def places(settings: AzureSettings) -> tuple[Place, ...]:
    """Return the places of this app; one when checks have no compute of their own."""
    trainings, checks = place_of_trainings(settings), place_of_checks(settings)
    return (trainings,) if checks.compute == trainings.compute else (trainings, checks)
