"""Where the rows of the inbox lie: by key to find them, by time, newest first, to list them.

Tables sort by key only, and upwards only; so the days and moments of what is listed newest first
count down.
"""

from datetime import UTC, datetime, timedelta

from function_app.adapters.azure.reach.tables import Row, encode
from function_app.errors import ContractError

# The neighbour of `-` in the order of keys: "event." comes after every "event-...".
AFTER = "."
EVENTS, CLAIMS, PENDING = "event-", "claimed-", "pending"
LONGEST_ORDER = 200
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_DAY, _LAST_MOMENT = 10**7, 10**18
_DOWN = str.maketrans("0123456789abcdef", "fedcba9876543210")


def day(prefix: str, moment: datetime) -> str:
    """Return the partition of a moment's day; later days come first."""
    return f"{prefix}{_LAST_DAY - (moment - _EPOCH) // timedelta(days=1):08d}"


def downwards(moment: datetime) -> str:
    """Return a moment as text of which the later comes first."""
    return f"{_LAST_MOMENT - _micros(moment):019d}"


def upwards(moment: datetime) -> str:
    """Return a moment as text of which the later comes last."""
    return f"{_micros(moment):019d}"


def order_key(order: str) -> str:
    """Return an order as a key of which the greater comes first."""
    content = order.encode("utf-8", "surrogatepass")
    if len(content) > LONGEST_ORDER:
        raise ContractError(f"The event's order has more than {LONGEST_ORDER} bytes.")
    # The end is greater than any digit: of two that begin alike the longer comes first.
    return f"{content.hex().translate(_DOWN)}g"


def event_place(received_at: datetime, event_key: str) -> tuple[str, str]:
    """Return partition and key of an event's row."""
    return day(EVENTS, received_at), f"{downwards(received_at)}-{encode(event_key)}"


def pointer_place(event_key: str) -> tuple[str, str]:
    """Return partition and key of an event's pointer."""
    return f"key-{encode(event_key)}", "at"


def pointer(event_key: str, received_at: datetime) -> Row:
    """Return the row that tells when the event of this key came first, and so where it lies."""
    partition, key = pointer_place(event_key)
    return Row(partition=partition, key=key, properties={"received_at": received_at.isoformat()})


def mark(event_key: str, received_at: datetime) -> Row:
    """Return the row that tells that nothing became of an event yet."""
    properties = {"event_key": event_key, "received_at": received_at.isoformat()}
    key = f"{upwards(received_at)}-{encode(event_key)}"
    return Row(partition=PENDING, key=key, properties=properties)


def moment_of(row: Row) -> datetime:
    """Return when the event of a pointer or a mark came."""
    return datetime.fromisoformat(row.properties["received_at"])


def _micros(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)
