"""A ledger of an earlier version: it had tables of its own on each platform."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from function_app.domain.codec import load
from function_app.domain.release.release import ReleaseRecord
from function_app.errors import ContractError
from function_app.ports import Rows
from function_app.ports.rows import Put
from function_app.records.earlier.adoption import adopt, parsed
from function_app.records.ledger.index import RELEASES, names_of
from function_app.records.ledger.lanes import LANES, entry_key
from function_app.records.ledger.ledger import DECISIONS, NOTES, new_release
from function_app.records.readable import load_each


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierLedger:
    """The records of an earlier version: names with JSON texts, and lane entries as fields."""

    releases: tuple[tuple[str, str], ...] = ()
    decisions: tuple[tuple[str, str], ...] = ()
    notes: tuple[tuple[str, str], ...] = ()
    lane_entries: tuple[tuple[str, dict[str, Any]], ...] = ()


def adopt_ledger(rows: Rows, earlier: EarlierLedger) -> None:
    """Store the records of an earlier version, unless they are stored already."""
    adopt(rows, RELEASES, (_release(name, text) for name, text in earlier.releases))
    adopt(rows, DECISIONS, _single(earlier.decisions))
    adopt(rows, NOTES, _single(earlier.notes))
    entries = earlier.lane_entries
    heads = [[Put(key=entry_key(lane, ""), content={})] for lane in {lane for lane, _ in entries}]
    adopt(rows, LANES, heads)
    adopt(rows, LANES, ([_entry(lane, content)] for lane, content in entries))


def _release(release_id: str, text: str) -> list[Put]:
    content = parsed(text)
    puts = new_release(release_id, _begin(content), content)
    records = load_each(ReleaseRecord, [(release_id, content)])
    return [*puts, *(name for record in records for name in names_of(record, puts[1].key))]


def _begin(content: dict[str, Any]) -> datetime:
    """Return when a release began; a damaged one counts as the oldest."""
    try:
        return load(datetime, content.get("begun_at") or content.get("updated_at"))
    except ContractError:
        return datetime(1970, 1, 1, tzinfo=UTC)


def _single(records: Iterable[tuple[str, str]]) -> Iterable[list[Put]]:
    return ([Put(key=name, content=parsed(text))] for name, text in records)


def _entry(lane: str, content: dict[str, Any]) -> Put:
    return Put(key=entry_key(lane, str(content.get("owner"))), content=content)
