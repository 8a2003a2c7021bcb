"""Claims: the row under a cause's key decides, and its copies are found by time and by subject.

Every write of a claim with an order also rewrites the row of its subject. So two claims of one
subject conflict, and the second write reads the claim that the first one stored.
"""

import hashlib
import json
import secrets
from dataclasses import replace
from datetime import datetime
from functools import partial

from function_app.domain.codec import dump
from function_app.domain.events.inbox import Claim, Claimed, renewed, repeated
from function_app.errors import ContractError
from function_app.ports import Rows
from function_app.ports.rows import Delete, Put
from function_app.records.changing import until_unchanged
from function_app.records.damage import DamageCheck, Kind, read_row
from function_app.records.order import downwards
from function_app.records.readable import load_each

CLAIMS, BY_KEY, BY_TIME, BY_SUBJECT, HEAD = "claims", "key/", "at/", "subject/", "head/"
LONGEST_ORDER = 150
_DOWN = str.maketrans("0123456789abcdef", "fedcba9876543210")
_CHUNK = 100
_EFFECT = "Its cause starts no story."
_CHECKED = tuple(
    Kind(prefix=prefix, target=Claim, effect=_EFFECT, label="claim {}".format)
    for prefix in (BY_KEY, BY_TIME)
)


class Claims:
    """Stores which story owns each cause."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def claim(self, claim: Claim) -> Claimed:
        """Claim a cause once; return the stored claim and a newer one of the same subject."""
        _order_key(claim.order)  # refuses before anything is written
        # Names the row that this call creates, because a lost answer to a write repeats the write.
        call = secrets.token_hex(8)
        created: list[Claim] = []

        def attempt() -> Claimed:
            for made in created:
                row = self._rows.get(CLAIMS, BY_KEY + made.key)
                if row is not None and row.content.get("call") == call:
                    return Claimed(claim=made, newer=self._newer(made), created=True)
            head = self._head(claim)
            earlier = self._stored(claim.key)
            before, after = self._neighbours(claim) if earlier and claim.order else (None, None)
            stored = repeated(claim, earlier, before, after) if earlier else None
            if earlier is not None and stored is not None:
                return self._extended(stored, claim, head)
            new = renewed(claim, before) if before is not None else claim
            if before is not None and (other := self._stored(new.key)) is not None:
                return Claimed(claim=other, newer=self._newer(other))
            created[:] = [new]
            self._rows.write(CLAIMS, [*new_claim(new, call), *([head] if head else [])])
            return Claimed(claim=new, newer=self._newer(new), created=True)

        return until_unchanged("claim a cause", attempt)

    def newest(self, limit: int) -> tuple[Claim, ...]:
        """Return the claims that can be read, newest first."""
        rows = self._rows.query(CLAIMS, BY_TIME, limit=limit)
        return load_each(Claim, ((row.key, row.content) for row in rows))

    def find_damaged(self) -> tuple[tuple[str, str], ...]:
        """Return the name of each claim that is known as damaged by now, problem and effect."""
        return DamageCheck(self._rows, CLAIMS, _CHECKED).find()

    def forget(self, before: datetime) -> int:
        """Delete claims that are older; return how many."""
        count, after = 0, f"{BY_TIME}{downwards(before)}."
        while old := self._rows.query(CLAIMS, BY_TIME, after=after, limit=_CHUNK):
            for row in old:
                until_unchanged("forget a claim", partial(self._forget, row.key))
            count += len(old)
        return count

    def _forget(self, key: str) -> None:
        """Delete a claim by the row that has its time, and the copies of the same claim."""
        by_time = self._rows.get(CLAIMS, key)
        if by_time is None:
            return
        rows = [by_time]
        for claim in load_each(Claim, [(key, by_time.content)]):
            rows += [r for k in _keys(claim) if k != key and (r := self._rows.get(CLAIMS, k))]
            if claim.order:
                others = self._rows.query(CLAIMS, _subject(claim), limit=2)
                head = self._rows.get(CLAIMS, HEAD + _digest(claim)) if len(others) < 2 else None
                rows += [head] if head else []
        self._rows.write(CLAIMS, [Delete(key=row.key, etag=row.etag) for row in rows])

    def _stored(self, key: str) -> Claim | None:
        row = self._rows.get(CLAIMS, BY_KEY + key)
        return read_row(Claim, row) if row else None

    def _head(self, claim: Claim) -> Put | None:
        """Return the change that every writer of the claim's subject makes; None without order."""
        if not claim.order:
            return None
        key = HEAD + _digest(claim)
        row = self._rows.get(CLAIMS, key)
        return Put(key=key, content={}, etag=row.etag if row else None)

    def _extended(self, stored: Claim, claim: Claim, head: Put | None) -> Claimed:
        """Extend a stored claim to a later write of the same content.

        `head` is of the subject of `claim`, read before its neighbours were read.
        """
        if claim.order <= stored.order:
            return Claimed(claim=stored, newer=self._newer(stored))
        later = replace(stored, order=claim.order)
        rows = {key: row for key in _keys(stored) if (row := self._rows.get(CLAIMS, key))}
        call = rows[BY_KEY + stored.key].content.get("call", "")
        heads = {put.key: put for put in (self._head(later), head) if put}
        puts = [
            replace(put, etag=rows[put.key].etag) if put.key in rows else put
            for put in new_claim(later, call)
        ]
        moved = [rows[key] for key in _keys(stored)[2:] if key in rows]
        gone = [Delete(key=row.key, etag=row.etag) for row in moved]
        self._rows.write(CLAIMS, [*puts, *gone, *heads.values()])
        return Claimed(claim=later, newer=self._newer(later))

    def _newer(self, claim: Claim) -> Claim | None:
        """Return the newest claim of the subject, None when its order is not greater."""
        if not claim.order:
            return None
        rows = self._rows.query(CLAIMS, _subject(claim), limit=1)
        newest = read_row(Claim, rows[0]) if rows else claim
        return newest if newest.order > claim.order and newest.key != claim.key else None

    def _neighbours(self, claim: Claim) -> tuple[Claim | None, Claim | None]:
        """Return the claims of the subject before and after this claim's order, or None."""
        prefix, order = _subject(claim), _order_key(claim.order)
        before = self._rows.query(CLAIMS, prefix, after=prefix + order, limit=1)
        after, last = None, ""
        # The greatest order comes first, so that the nearest of the later claims comes last.
        while rows := self._rows.query(CLAIMS, prefix, after=last, limit=_CHUNK):
            later = [row for row in rows if row.key < prefix + order]
            after = later[-1] if later else after
            if len(later) < len(rows):
                break
            last = rows[-1].key
        return (
            read_row(Claim, before[0]) if before else None,
            read_row(Claim, after) if after else None,
        )


def new_claim(claim: Claim, call: str = "") -> list[Put]:
    """Return the rows of a claim that is not stored yet; `call` names the call that makes it."""
    content = dump(claim)
    by_key, *copies = _keys(claim)
    return [
        Put(key=by_key, content={**content, "call": call}),
        *(Put(key=key, content=content) for key in copies),
    ]


def _keys(claim: Claim) -> list[str]:
    """Return the keys of a claim's rows: by its key, by time, and in its subject when ordered."""
    by_time = f"{BY_TIME}{downwards(claim.claimed_at)}-{claim.key}"
    if not claim.order:
        return [BY_KEY + claim.key, by_time]
    own = hashlib.sha256(claim.key.encode()).hexdigest()[:16]
    return [BY_KEY + claim.key, by_time, f"{_subject(claim)}{_order_key(claim.order)}-{own}"]


def _subject(claim: Claim) -> str:
    return f"{BY_SUBJECT}{_digest(claim)}/"


def _digest(claim: Claim) -> str:
    subject = json.dumps([claim.type, claim.subject])
    return hashlib.sha256(subject.encode()).hexdigest()[:32]


def _order_key(order: str) -> str:
    """Return an order as a key of which the greater sorts first; ContractError when too long."""
    content = order.encode("utf-8", "surrogatepass")
    if len(content) > LONGEST_ORDER:
        raise ContractError(f"The event's order has more than {LONGEST_ORDER} bytes.")
    # The end is greater than any digit: of two that begin alike the longer comes first.
    return f"{content.hex().translate(_DOWN)}g"
