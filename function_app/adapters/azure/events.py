"""Publishing to the Event Grid topic, by the app's identity or by a key."""

from typing import TYPE_CHECKING, Any

from function_app.adapters.azure.reach.connection import Connection, translate
from function_app.errors import ConfigError
from function_app.late_imports import importing
from function_app.telemetry import TRACEPARENT, current

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken, AzureKeyCredential, TokenCredential


class AzureEvents:
    """Sends Event Grid events; the topic has stored them when `publish` returns."""

    def __init__(self, connection: Connection, endpoint: str, key: str) -> None:
        self._connection, self._endpoint, self._key = connection, endpoint, key

    def publish(self, kind: str, subject: str, content: dict[str, Any]) -> None:
        with importing():
            from azure.eventgrid import EventGridEvent, EventGridPublisherClient

        if not self._endpoint:
            raise ConfigError("MLOPS_TOPIC_ENDPOINT is not set. infra/ sets it.")
        data = {TRACEPARENT: here, **content} if (here := current()) else content
        event = EventGridEvent(subject=subject, event_type=kind, data=data, data_version="1")
        # The call takes the options because the client ignores those of its constructor. POST may
        # be repeated because an event has an id: subscribers recognize a duplicate.
        options = {**self._connection.options(), "retry_on_methods": ["POST"]}
        del options["polling_interval"]
        with (
            translate(f"publish {kind}", self._endpoint.partition("?")[0]),
            EventGridPublisherClient(self._endpoint, self._credential()) as client,
        ):
            client.send(event, **options)

    def _credential(self) -> "AzureKeyCredential | TokenCredential":
        with importing():
            from azure.core.credentials import AzureKeyCredential

        if self._key:
            return AzureKeyCredential(self._key)
        return _Scoped(self._connection.credential, self._connection.settings.topic_scope)


class _Scoped:
    """The app's identity for topics of this cloud: the client requests the public cloud's scope."""

    def __init__(self, credential: "TokenCredential", scope: str) -> None:
        self._credential, self._scope = credential, scope

    def get_token(self, *scopes: str, **options: Any) -> "AccessToken":
        """Return a token for the set scope; the scopes that the client requests are ignored."""
        return self._credential.get_token(self._scope, **options)
