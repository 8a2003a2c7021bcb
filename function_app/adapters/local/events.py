"""Publishing to the topic with the client that Azure uses."""

from typing import Any

from function_app.errors import PlatformError
from function_app.late_imports import importing
from function_app.telemetry import TRACEPARENT, current


class LocalEvents:
    """Sends Event Grid events; the topic has stored them when `publish` returns."""

    def __init__(self, endpoint: str, key: str) -> None:
        self._endpoint, self._key = endpoint, key

    def publish(self, kind: str, subject: str, content: dict[str, Any]) -> None:
        with importing():
            from azure.core.credentials import AzureKeyCredential
            from azure.core.exceptions import AzureError
            from azure.eventgrid import EventGridEvent, EventGridPublisherClient

        if not self._endpoint:
            raise PlatformError(
                "local", "publish an event", "MLOPS_TOPIC_ENDPOINT is not set. Use funchost."
            )
        data = {TRACEPARENT: here, **content} if (here := current()) else content
        event = EventGridEvent(subject=subject, event_type=kind, data=data, data_version="1")
        try:
            client = EventGridPublisherClient(
                self._endpoint, AzureKeyCredential(self._key), retry_total=2
            )
            with client:
                client.send(event)
        except AzureError as error:
            message = f"{type(error).__name__}. Is the host up?"
            raise PlatformError("local", f"publish {kind}", message) from error
