"""Publishing events: to a topic with the client that Azure uses, or straight into the inbox.

funchost has a topic. Another host of a development machine, such as Core Tools, has none.
"""

import hashlib
import json
from typing import Any

from function_app.domain.events.inbox import OWN_CHANNEL, InboxEvent, event_key
from function_app.errors import PlatformError
from function_app.late_imports import importing
from function_app.ports import Clock, Events, Inbox
from function_app.telemetry import TRACEPARENT, current


def choose_events(endpoint: str, key: str, inbox: Inbox, clock: Clock) -> Events:
    """Return the events of the topic; without a topic the events go to the app's inbox."""
    return LocalEvents(endpoint, key) if endpoint else InboxEvents(inbox, clock)


class InboxEvents:
    """Stores each event in the app's own inbox, from which the next timer run takes it up."""

    def __init__(self, inbox: Inbox, clock: Clock) -> None:
        self._inbox, self._clock = inbox, clock

    def publish(self, kind: str, subject: str, content: dict[str, Any]) -> None:
        now = self._clock.now()
        text = json.dumps([kind, subject, content, now.isoformat()], sort_keys=True)
        payload = {
            "id": hashlib.sha256(text.encode()).hexdigest()[:32],
            "topic": OWN_CHANNEL,
            "subject": subject,
            "eventType": kind,
            "eventTime": now.isoformat(),
            "dataVersion": "1",
            "data": {TRACEPARENT: here, **content} if (here := current()) else content,
        }
        event = InboxEvent(
            event_key=event_key(payload),
            channel=OWN_CHANNEL,
            payload=payload,
            received_at=now,
            traceparent=current() or "",
        )
        self._inbox.accept([event])


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
            raise PlatformError("local", "publish an event", "MLOPS_TOPIC_ENDPOINT is not set.")
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
