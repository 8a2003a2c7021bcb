"""Events that Event Grid delivers to the function."""

from typing import Any


def payload_of(event: Any) -> dict[str, Any]:
    """Return the content of the azure-functions object, in its original schema."""
    if hasattr(event, "event_type"):
        return {
            "id": event.id,
            "topic": event.topic,
            "subject": event.subject,
            "eventType": event.event_type,
            "data": event.get_json(),
        }
    return {
        "specversion": "1.0",
        "id": event.id,
        "source": event.source,
        "type": event.type,
        "subject": event.subject,
        "data": event.get_json(),
    }
