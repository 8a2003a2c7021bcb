"""Rate limits of callers: a token bucket per caller, for requests and for bytes.

People and machines have buckets of their own, so that no machine uses up the budget of a person.
The buckets live in the memory of one process; an app on several instances lets each caller send
that much to each of them.
"""

import math
import threading
from dataclasses import dataclass
from datetime import datetime

from function_app.domain.project import Limits
from function_app.errors import ThrottledError

MINUTE = 60.0
MEGABYTE = 1_000_000
# All machines together may send this many times the budget of one machine.
SHARES = 10
# More buckets than this are not kept; the ones that were used longest ago go first.
MOST_CALLERS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The sender of a request: a person's name, a webhook source, or a key and an address."""

    name: str
    person: bool = False


@dataclass(frozen=True, slots=True)
class _Bucket:
    """The rest of a caller's budget at a moment."""

    requests: float
    bytes: float
    at: datetime


class Budgets:
    """The buckets of all callers; any thread may use them."""

    def __init__(self) -> None:
        self._buckets: dict[tuple[bool, str], _Bucket] = {}
        self._lock = threading.Lock()

    @property
    def count(self) -> int:
        """Return the number of stored buckets."""
        return len(self._buckets)

    def spend(self, caller: Caller, limits: Limits, now: datetime, count: int, size: int) -> None:
        """Take `count` events of `size` bytes in all from the caller's budget.

        Raises ThrottledError, which says when to come again, and takes nothing, when the caller's
        budget or that of all machines together is too small.
        """
        per_minute = limits.max_orders_per_minute if caller.person else limits.max_events_per_minute
        megabytes = limits.max_megabytes_per_minute * MEGABYTE
        shares = [((caller.person, caller.name), 1)]
        if not caller.person:
            shares.append(((False, ""), SHARES))
        with self._lock:
            left = []
            for key, share in shares:
                most = (per_minute * share, megabytes * share)
                bucket = _refill(self._buckets.get(key), most, now)
                rest = _Bucket(bucket.requests - count, bucket.bytes - size, now)
                if rest.requests < 0 or rest.bytes < 0:
                    name = caller.name if key[1] else "All callers without a token together"
                    raise _refusal(name, caller, rest, most)
                left.append((key, rest))
            for key, rest in left:
                # The bucket moves to the end, so that the order of the keys is the order of their
                # use.
                self._buckets.pop(key, None)
                self._buckets[key] = rest
            while len(self._buckets) > MOST_CALLERS:
                del self._buckets[next(iter(self._buckets))]


def _refill(bucket: _Bucket | None, most: tuple[float, float], now: datetime) -> _Bucket:
    if bucket is None:
        return _Bucket(*most, now)
    share = max((now - bucket.at).total_seconds(), 0.0) / MINUTE
    return _Bucket(
        min(bucket.requests + share * most[0], most[0]),
        min(bucket.bytes + share * most[1], most[1]),
        now,
    )


def _refusal(name: str, caller: Caller, rest: _Bucket, most: tuple[float, float]) -> ThrottledError:
    seconds = max(-rest.requests / most[0], -rest.bytes / most[1]) * MINUTE
    unit = "requests" if caller.person else "events"
    return ThrottledError(
        f"{name} sent more than {most[0]:g} {unit} or {most[1] / MEGABYTE:g} MB a minute. "
        "Send them again later, and fewer at once.",
        retry_after=max(1, math.ceil(seconds)),
    )
