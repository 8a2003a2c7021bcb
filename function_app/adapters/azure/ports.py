"""Every port in Azure, composed; no request is sent to Azure before a port is used."""

import logging
import tempfile
from collections.abc import Mapping
from pathlib import Path

from function_app.adapters.azure.approvers import AzureApprovers
from function_app.adapters.azure.data.datasets import AzureDatasets
from function_app.adapters.azure.data.observations import AzureObservations
from function_app.adapters.azure.earlier_records import open_inbox, open_ledger
from function_app.adapters.azure.events import AzureEvents
from function_app.adapters.azure.mail import AzureMail
from function_app.adapters.azure.reach.blobs import Blobs
from function_app.adapters.azure.reach.connection import Connection
from function_app.adapters.azure.reach.workspace import Workspace
from function_app.adapters.azure.rows import AzureRows
from function_app.adapters.azure.services import create_services
from function_app.adapters.clock import SystemClock
from function_app.adapters.git.sources import GitSources
from function_app.adapters.messages import Notifications
from function_app.domain.people.people import is_oid
from function_app.domain.project import ModelProject
from function_app.ports import Ports
from function_app.records.inbox.inbox import StoredInbox
from function_app.records.ledger.ledger import StoredLedger
from function_app.settings.settings import Settings, read_limits, read_people

LOG = logging.getLogger("mlops.azure")


def create_ports(settings: Settings) -> Ports:
    """Return every port of the platform Azure."""
    assert settings.azure is not None  # read_settings made it
    _warn_of_unknown_approvers(settings.projects)
    connection = Connection(settings.azure)
    workspace = Workspace(connection)
    rows = AzureRows(connection)
    services = create_services(workspace, settings.root, settings.projects, rows)
    notify = settings.notify
    mail = AzureMail(connection, notify).send
    fetched = Path(tempfile.gettempdir()) / "mlops-fetched"
    return Ports(
        sources=GitSources(fetched, services.bundles.store, settings.git),
        datasets=AzureDatasets(workspace, read_limits(settings.projects).data_file()),
        jobs=services.jobs,
        registry=services.registry,
        images=services.images,
        staging=services.staging,
        production=services.production,
        probe=services.probe,
        inbox=StoredInbox(open_inbox(connection, Blobs(connection))),
        ledger=StoredLedger(open_ledger(connection)),
        rows=rows,
        events=AzureEvents(connection, settings.topic_endpoint, settings.topic_key),
        notifier=Notifications(
            notify, {"Azure e-mail": mail} if notify.azure_mail_endpoint else None
        ),
        clock=SystemClock(),
        approvers=AzureApprovers(settings.azure, read_people(settings.projects)),
        platform=services.platform,
        observations=AzureObservations(connection, settings.projects),
        projects=settings.projects,
    )


def _warn_of_unknown_approvers(projects: Mapping[str, ModelProject]) -> None:
    """Log each approver whom no token can identify: tokens are matched by object ids only."""
    for model, project in sorted(projects.items()):
        for approver in project.release.approvers:
            person = project.people.get(approver)
            if not is_oid(approver) and not (person and person.oid):
                text = (
                    "%s of %s can approve nothing in Azure. Set `oid` of [people.%s] in mlops.toml."
                )
                LOG.warning(text, approver, model, approver)
