"""Production on both platforms, with the decisions and orders that change it."""

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from function_app.adapters.azure.rows import AzureRows
from function_app.adapters.local.rows import LocalRows
from function_app.domain.release.authorization import ChangeKind, Order
from function_app.domain.release.serving import Image
from function_app.records.ledger.ledger import StoredLedger
from tests.activities.law_bench import MODEL, Bench, image, release
from tests.contracts.conftest import account, azurite, connection, identity, tls

__all__ = [
    "EVIL",
    "account",
    "azurite",
    "bench",
    "connection",
    "identity",
    "order",
    "refused",
    "tls",
]
EVIL = Image(
    model=MODEL, version="2", digest="sha256:" + "e" * 64, uri="evil.example/x@sha256:" + "e" * 64
)


@pytest.fixture(params=["local", "azure"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Bench:
    if request.param == "azure":
        connected = request.getfixturevalue("connection")
        return Bench(StoredLedger(AzureRows(connected)), AzureRows(connected))
    return Bench(StoredLedger(LocalRows(tmp_path / "ledger.db")), LocalRows(tmp_path / "ledger.db"))


def order(bench: Bench, kind: ChangeKind, name: str = "o", **change: Any) -> Order:
    """Store an order as a request of a person does."""
    earlier = bench.changes.of_model(MODEL)
    made = Order(
        order_id=name,
        kind=kind,
        model=MODEL,
        by="ada",
        comment="",
        ordered_at=bench.moment,
        after=earlier[-1].number if earlier else 0,
        image=image("1") if kind is ChangeKind.ROLL_BACK else None,
        release=release("2") if kind is ChangeKind.ROLL_BACK else None,
    )
    return bench.changes.place(replace(made, **change))


def refused(bench: Bench, caplog: pytest.LogCaptureFixture, reason: str) -> None:
    """Assert that nothing was asked of production and that the log says why."""
    assert bench.production.calls == []
    warnings = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    assert any("NOT_AUTHORISED" in text and reason in text for text in warnings), warnings
