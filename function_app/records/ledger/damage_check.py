"""The check of many rows for damage: PAGE rows at a time, and each time those known as damaged.

A comparison runs every ten minutes and must not read every release that ever was. It therefore
goes on after the last row of the comparison before.
"""

import json

from function_app.domain.codec import find_damaged
from function_app.ports import Rows
from function_app.ports.rows import Put, Row, RowsChangedError

PAGE = 1_000
# So many damaged rows are remembered; a ledger with more needs its backup anyway.
REMEMBERED = 500


class DamageCheck:
    """Finds rows of a partition that cannot be read; remembers where it goes on."""

    def __init__(self, rows: Rows, partition: str, prefix: str) -> None:
        """`prefix` is that of the checked rows; behind it keys have only plain characters."""
        self._rows, self._partition, self._prefix = rows, partition, prefix

    def find(self, target: type, name: str = "") -> tuple[tuple[str, str], ...]:
        """Return the key of each damaged row that is known by now, and the problem.

        A row is damaged when it, or its field `name`, cannot be read as `target`.
        """
        state = self._rows.get(self._partition, self._own_key)
        after, known = _read(state)
        page = self._rows.query(self._partition, self._prefix, after=after, limit=PAGE)
        again = [self._rows.get(self._partition, key) for key in known]
        rows = {row.key: row for row in (*page, *again) if row}
        contents = (
            (key, row.content.get(name) if name else row.content) for key, row in rows.items()
        )
        damaged = find_damaged(target, contents)
        following = page[-1].key if len(page) == PAGE else ""
        self._save(state, following, [key for key, _ in damaged][:REMEMBERED])
        return damaged

    @property
    def _own_key(self) -> str:
        return f"checked/{self._prefix}"

    def _save(self, state: Row | None, after: str, damaged: list[str]) -> None:
        content = {"after": after, "damaged": json.dumps(damaged)}
        if _read(state) == (after, damaged):
            return
        etag = state.etag if state else None
        try:
            self._rows.write(self._partition, [Put(key=self._own_key, content=content, etag=etag)])
        except RowsChangedError:
            return  # another comparison runs at the same time, and stored where it is


def _read(state: Row | None) -> tuple[str, list[str]]:
    """Return the key after which the next check begins, and the keys of damaged rows."""
    content = state.content if state else {}
    after, damaged = content.get("after"), content.get("damaged")
    try:
        keys = json.loads(damaged) if isinstance(damaged, str) else []
    except ValueError:
        keys = []
    known = [key for key in keys if isinstance(key, str) and key] if isinstance(keys, list) else []
    return after if isinstance(after, str) else "", known
