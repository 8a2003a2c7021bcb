"""The ports: interfaces of a platform for activities; both platforms implement every port.

Operations that create or get (builds, deployments, promotions, runs) are idempotent in one way on
every platform: a call returns the work that succeeded or is under way, and starts it otherwise. A
failure is never final: AttemptError reports the failure of an attempt once, and the next call
starts a new attempt.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from function_app.domain.project import ModelProject
from function_app.ports.people import Approvers, Clock, Events, Notifier
from function_app.ports.platform import Platform
from function_app.ports.records import Inbox, Ledger, Stories
from function_app.ports.rows import Rows
from function_app.ports.serving import Images, Observations, Probe, Production, Registry, Staging
from function_app.ports.work import Datasets, Jobs, Sources

__all__ = [
    "Approvers",
    "Clock",
    "Datasets",
    "Events",
    "Images",
    "Inbox",
    "Jobs",
    "Ledger",
    "Notifier",
    "Observations",
    "Platform",
    "Ports",
    "Probe",
    "Production",
    "Registry",
    "Rows",
    "Sources",
    "Staging",
    "Stories",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """All ports of one platform, and the models of mlops.toml as they are now, by name."""

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
    rows: Rows
    events: Events
    notifier: Notifier
    clock: Clock
    approvers: Approvers
    platform: Platform
    observations: Observations
    projects: Mapping[str, ModelProject]
