"""Nights: the comparisons of one challenger with one champion, in the order of their arrival."""

from dataclasses import dataclass, replace
from urllib.parse import quote

from function_app.domain.codec import dump
from function_app.domain.gating.nights import Night
from function_app.ports import Rows
from function_app.ports.rows import Put
from function_app.records.changing import until_unchanged
from function_app.records.damage import read_row

NIGHTS = "nights"
# A row has room for them; the evidence of earlier nights stays valid without later ones.
MOST_NIGHTS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Nights:
    """The nights of a pair of versions."""

    nights: tuple[Night, ...] = ()


def add(rows: Rows, model: str, challenger: str, champion: str, night: Night) -> tuple[Night, ...]:
    """Store a night once, and return all nights of the pair, the first one first.

    A night with the data of a stored one is not stored, because the same rows are no new evidence.
    PlatformError when the row cannot be read, because lost nights would change the evidence.
    """
    key = _key(model, challenger, champion)

    def attempt() -> tuple[Night, ...]:
        stored = rows.get(NIGHTS, key)
        known = read_row(Nights, stored) if stored else Nights()
        repeated = night.data in {each.data for each in known.nights}
        if repeated or len(known.nights) >= MOST_NIGHTS:
            return known.nights
        more = replace(known, nights=(*known.nights, night))
        etag = stored.etag if stored else None
        rows.write(NIGHTS, [Put(key=key, content=dump(more), etag=etag)])
        return more.nights

    return until_unchanged("store a night", attempt)


def find(rows: Rows, model: str, challenger: str, champion: str) -> tuple[Night, ...]:
    """Return the nights of a pair, the first one first; PlatformError when they are unreadable."""
    stored = rows.get(NIGHTS, _key(model, challenger, champion))
    return read_row(Nights, stored).nights if stored else ()


def _key(model: str, challenger: str, champion: str) -> str:
    return "/".join(quote(part, safe="") for part in (model, challenger, champion))
