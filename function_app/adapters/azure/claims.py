"""Claims in Azure Tables: a row per cause decides, rows per subject and per day find them again."""

import hashlib
import json
import secrets
from dataclasses import replace
from datetime import datetime

from function_app.adapters.azure.inbox_rows import AFTER, CLAIMS, day, downwards, order_key
from function_app.adapters.azure.reach.tables import Changed, Row, Table, encode, until_unchanged
from function_app.domain.codec import dump, load
from function_app.domain.events.inbox import Claim, Claimed, renewed, repeated


class AzureClaims:
    """Writes the deciding row first; whoever claims again writes what a crash left out."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def claim(self, claim: Claim) -> Claimed:
        """Claim a cause once; return the kept claim and a newer one of the same subject."""
        if claim.order:
            order_key(claim.order)  # refuses before anything is written
        kept, created = self._keep(claim)
        if not created and claim.order:
            before, after = self._neighbours(claim)
            stored = repeated(claim, kept, before, after)
            if stored is not None:
                return self._extend(stored, claim.order)
            if before is not None:
                kept, created = self._keep(renewed(claim, before))
        self._table.put(_by_time(kept))
        if not kept.order:
            return Claimed(claim=kept, created=created)
        self._table.put(_by_order(kept))
        return Claimed(claim=kept, newer=self._newer(kept), created=created)

    def _keep(self, claim: Claim) -> tuple[Claim, bool]:
        """Return the claim that is stored under this key, and whether this call stored it."""
        # Which call made the row, should the answer to its first attempt be lost.
        token = secrets.token_hex(8)
        made = Row(
            partition=_partition(claim.key),
            key="claim",
            text=json.dumps(dump(claim)),
            properties={"token": token},
        )

        def attempt() -> tuple[Claim, bool]:
            if self._table.create(made):
                return claim, True
            stored = self._table.get(made.partition, made.key)
            if stored is None:
                raise Changed
            return _claim(stored), stored.properties["token"] == token

        return until_unchanged("claim a cause", attempt)

    def _extend(self, claim: Claim, order: str) -> Claimed:
        """Let a claim also hold for a later write of the same content.

        The later row is written before the earlier one is deleted: a crash leaves both, and both
        name the same claim.
        """
        kept = replace(claim, order=max(order, claim.order))
        self._table.put(_by_order(kept))
        self._table.put(_by_time(kept))
        if kept.order != claim.order and claim.order:
            self._table.delete(_by_order(claim))
        return Claimed(claim=kept, newer=self._newer(kept))

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
            if stored is not None and _claim(stored).claimed_at == claim.claimed_at:
                self._table.delete(stored)
            if claim.order:
                self._table.delete(_by_order(claim))
            # Last: a crash before it leaves what the next attempt finds again.
            self._table.delete(row)
            count += 1
        return count

    def _newer(self, claim: Claim) -> Claim | None:
        """Return the newest claim of the subject, None when its order is not greater."""
        rows = self._table.query(
            "PartitionKey eq @subject", limit=1, subject=_by_order(claim).partition
        )
        newest = next((_claim(row) for row in rows), claim)
        return newest if newest.order > claim.order and newest.key != claim.key else None

    def _neighbours(self, claim: Claim) -> tuple[Claim | None, Claim | None]:
        """Return the claims of the subject before and after this claim's order."""
        subject, order = _by_order(claim).partition, order_key(claim.order)
        before = self._table.query(
            "PartitionKey eq @subject and RowKey ge @order", limit=1, subject=subject, order=order
        )
        # The greatest order comes first, so the nearest of the later claims comes last.
        after = self._table.query(
            "PartitionKey eq @subject and RowKey lt @order", subject=subject, order=order
        )
        later = None
        for row in after:
            later = _claim(row)
        return next((_claim(row) for row in before), None), later


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
