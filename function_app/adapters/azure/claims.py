"""Claims in Azure Tables: a row per cause decides, rows per subject and per day find them again."""

import hashlib
import json
import secrets
from datetime import datetime

from function_app.adapters.azure.inbox_rows import AFTER, CLAIMS, day, downwards, order_key
from function_app.adapters.azure.tables import Changed, Row, Table, encode, until_unchanged
from function_app.codec import dump, load
from function_app.domain.inbox import Claim, Claimed


class AzureClaims:
    """Writes the deciding row first; whoever claims again writes what a crash left out."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def claim(self, claim: Claim) -> Claimed:
        """Claim a cause once; return the kept claim and a newer one of the same subject."""
        if claim.order:
            order_key(claim.order)  # refuses before anything is written
        # Which call made the row, should the answer to its first attempt be lost.
        token = secrets.token_hex(8)
        made = Row(
            partition=_partition(claim.key),
            key="claim",
            text=json.dumps(dump(claim)),
            properties={"token": token},
        )

        def attempt() -> Claimed:
            if self._table.create(made):
                return Claimed(claim=claim, created=True)
            stored = self._table.get(made.partition, made.key)
            if stored is None:
                raise Changed
            return Claimed(claim=_claim(stored), created=stored.properties["token"] == token)

        claimed = until_unchanged("claim a cause", attempt)
        kept = claimed.claim
        self._table.put(_by_time(kept))
        if not kept.order:
            return claimed
        self._table.put(_by_order(kept))
        newest = self._newest(kept)
        newer = newest if newest.order > kept.order else None
        return Claimed(claim=kept, newer=newer, created=claimed.created)

    def list_claims(self, limit: int) -> tuple[Claim, ...]:
        """Return claims, newest first."""
        rows = self._table.query(
            "PartitionKey ge @first and PartitionKey lt @last",
            limit=limit,
            first=CLAIMS,
            last=CLAIMS[:-1] + AFTER,
        )
        return tuple(_claim(row) for row in rows)

    def forget(self, before: datetime) -> int:
        """Delete claims that are older; return how many."""
        rows = self._table.query(
            "PartitionKey ge @first and PartitionKey lt @last and RowKey ge @key",
            first=day(CLAIMS, before),
            last=CLAIMS[:-1] + AFTER,
            key=downwards(before) + AFTER,
        )
        count = 0
        for row in rows:
            claim = _claim(row)
            stored = self._table.get(_partition(claim.key), "claim")
            # A cause that was forgotten and claimed anew stays.
            if stored is not None and _claim(stored) == claim:
                self._table.delete(stored)
            if claim.order:
                self._table.delete(_by_order(claim))
            # Last: a crash before it leaves what the next attempt finds again.
            self._table.delete(row)
            count += 1
        return count

    def _newest(self, claim: Claim) -> Claim:
        rows = self._table.query(
            "PartitionKey eq @subject", limit=1, subject=_by_order(claim).partition
        )
        return next((_claim(row) for row in rows), claim)


def _partition(key: str) -> str:
    return f"claim-{encode(key)}"


def _by_time(claim: Claim) -> Row:
    key = f"{downwards(claim.claimed_at)}-{encode(claim.key)}"
    partition, text = day(CLAIMS, claim.claimed_at), json.dumps(dump(claim))
    return Row(partition=partition, key=key, text=text)


def _by_order(claim: Claim) -> Row:
    subject = json.dumps([claim.type, claim.subject])
    digest = hashlib.sha256(subject.encode()).hexdigest()
    key = f"{order_key(claim.order)}-{hashlib.sha256(claim.key.encode()).hexdigest()[:32]}"
    return Row(partition=f"subject-{digest}", key=key, text=json.dumps(dump(claim)))


def _claim(row: Row) -> Claim:
    return load(Claim, row.json())
