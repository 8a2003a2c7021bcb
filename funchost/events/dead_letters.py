"""Events that no attempt could deliver: listed, delivered again, or discarded."""

from __future__ import annotations

import json
from typing import Any

from funchost import clock
from funchost.storage import deliveries
from funchost.storage.connection import Connection
from funchost.storage.deliveries import DeadLetter


def document(letter: DeadLetter) -> dict[str, Any]:
    """Return a dead letter in Event Grid's words.

    Source: Event Grid documentation, "Dead-letter location", deadLetterProperties.
    """
    return {
        "id": letter.seq,
        "function": letter.function,
        "deadLetterReason": letter.reason,
        "deliveryAttempts": letter.attempts,
        "lastDeliveryOutcome": letter.outcome,
        "publishTime": letter.published,
        "deadLetterTime": letter.buried,
        "event": json.loads(letter.event),
    }


def replay(db: Connection, number: int) -> bool:
    """Put a dead letter back among the deliveries, with all its attempts; False when unknown."""
    letter = deliveries.dead_letter(db, number)
    if letter is None:
        return False
    deliveries.add(db, [(letter.function, letter.event, clock.time(), letter.published)])
    return deliveries.delete_dead_letter(db, number)
