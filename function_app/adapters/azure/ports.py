"""Every port in Azure, put together; nothing is asked of Azure before one is used."""

import tempfile
from pathlib import Path

from function_app.adapters.azure.approvers import AzureApprovers
from function_app.adapters.azure.blobs import Blobs
from function_app.adapters.azure.connection import Connection
from function_app.adapters.azure.datasets import AzureDatasets
from function_app.adapters.azure.events import AzureEvents
from function_app.adapters.azure.inbox import AzureInbox
from function_app.adapters.azure.ledger import AzureLedger
from function_app.adapters.azure.mail import AzureMail
from function_app.adapters.azure.observations import AzureObservations
from function_app.adapters.azure.rows import AzureRows
from function_app.adapters.azure.services import create_services
from function_app.adapters.azure.workspace import Workspace
from function_app.adapters.clock import SystemClock
from function_app.adapters.git.sources import GitSources
from function_app.adapters.messages import Notifications
from function_app.ports import Ports
from function_app.settings import Settings


def create_ports(settings: Settings) -> Ports:
    """Return every port of the platform Azure."""
    assert settings.azure is not None  # read_settings made it
    connection = Connection(settings.azure)
    workspace = Workspace(connection)
    services = create_services(workspace, settings.root, settings.projects)
    notify = settings.notify
    mail = AzureMail(connection, notify).send
    fetched = Path(tempfile.gettempdir()) / "mlops-fetched"
    return Ports(
        sources=GitSources(fetched, services.bundles.keep, settings.git),
        datasets=AzureDatasets(workspace),
        jobs=services.jobs,
        registry=services.registry,
        images=services.images,
        staging=services.staging,
        production=services.production,
        probe=services.probe,
        inbox=AzureInbox(connection, Blobs(connection)),
        ledger=AzureLedger(connection),
        rows=AzureRows(connection),
        events=AzureEvents(connection, settings.topic_endpoint, settings.topic_key),
        notifier=Notifications(
            notify, {"Azure e-mail": mail} if notify.azure_mail_endpoint else None
        ),
        clock=SystemClock(),
        approvers=AzureApprovers(settings.azure),
        platform=services.platform,
        observations=AzureObservations(connection, settings.projects),
        projects=settings.projects,
    )
