"""What came in: claimed once by its cause, or kept with the reason why nothing took it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A cause and the instance that owns it; `content` is what made the event new."""

    key: str
    owner: str
    type: str
    subject: str
    content: str
    claimed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """An event that nothing took, as it came, with a stable code and the reason."""

    letter_id: str
    code: str
    reason: str
    event: Any
    buried_at: datetime
