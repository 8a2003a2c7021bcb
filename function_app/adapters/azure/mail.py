"""E-mail through Azure Communication Services, by the app's identity instead of a password."""

import uuid
from typing import Any

from function_app.adapters.azure.reach.connection import Connection, translate
from function_app.late_imports import importing
from function_app.settings.notify import NotifySettings

# The longest wait for the service to accept a message for delivery.
PATIENCE = 30.0


class AzureMail:
    """Sends a message to every address of the settings."""

    def __init__(self, connection: Connection, settings: NotifySettings) -> None:
        self._connection, self._settings = connection, settings

    def send(self, title: str, text: str) -> None:
        """Send a text, or raise PlatformError."""
        with importing():
            from azure.communication.email import EmailClient

        settings = self._settings
        to = [{"address": address} for address in settings.azure_mail_to]
        message: dict[str, Any] = {
            "senderAddress": settings.azure_mail_from,
            "recipients": {"to": to},
            "content": {"subject": title.replace("\n", " "), "plainText": text},
        }
        options = self._connection.options()
        with (
            translate("send an e-mail", settings.azure_mail_endpoint),
            EmailClient(
                settings.azure_mail_endpoint, self._connection.credential, **options
            ) as client,
        ):
            # Named, so that asking again after a lost answer is the same message.
            poller = client.begin_send(
                message, operation_id=str(uuid.uuid4()), retry_on_methods=["GET", "POST"]
            )
            poller.wait(PATIENCE)
            if poller.done():
                poller.result()
