"""Open failures: the app reads production at the moment of the request."""

import asyncio
import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from function_app.adapters.local.rows import LocalRows
from function_app.domain.codec import dump
from function_app.domain.project import Limits
from function_app.domain.reconciliation import FINDINGS
from function_app.domain.release.release import Release, ReleaseRecord, ReleaseStatus, release_id
from function_app.domain.release.serving import Image, Serving
from function_app.errors import PlatformError
from function_app.ports import Ports
from function_app.records.inbox.inbox import StoredInbox
from function_app.records.ledger.ledger import StoredLedger
from function_app.settings.settings import read_projects
from function_app.triggers.http.attention import get_attention
from function_app.triggers.invocation import Invocation, Request

PROJECTS = read_projects(Path(__file__).parents[2] / "mlops.toml")
NOW = datetime(2026, 11, 29, tzinfo=UTC)
IMAGE = Image(model="diabetes", version="1", digest=f"sha256:{1:064d}", uri="")
SERVING = Serving(image=IMAGE, replicas=2, ready=2)
RECORD = ReleaseRecord(
    release=Release(
        release_id=release_id("diabetes", "1"),
        model="diabetes",
        version="1",
        policy=PROJECTS["diabetes"].release_policy(),
    ),
    status=ReleaseStatus.PROMOTED,
    updated_at=NOW,
    begun_at=NOW,
    image=IMAGE,
)


class NoStories:
    """Stories of which there are none."""

    async def list(self, since: datetime) -> list[Any]:
        return []


@dataclass
class FewPorts:
    """The records of this machine, a clock that stands, and production as it is given."""

    inbox: StoredInbox
    ledger: StoredLedger
    answer: Serving | PlatformError | None = None
    asked: list[str] = field(default_factory=list)

    @property
    def clock(self) -> "FewPorts":
        return self

    @property
    def production(self) -> "FewPorts":
        return self

    def now(self) -> datetime:
        return NOW

    def serving(self, model: str) -> Serving | None:
        self.asked.append(model)
        if isinstance(self.answer, PlatformError):
            raise self.answer
        return self.answer


@pytest.fixture
def ports(tmp_path: Path) -> FewPorts:
    ports = FewPorts(
        StoredInbox(LocalRows(tmp_path / "a")), StoredLedger(LocalRows(tmp_path / "b"))
    )
    ports.ledger.save_release(replace(RECORD, status=ReleaseStatus.IN_PROGRESS))
    ports.ledger.save_release(RECORD)
    return ports


def attention(ports: FewPorts) -> list[dict[str, Any]]:
    invocation = Invocation(
        ports=cast(Ports, ports),
        projects=PROJECTS,
        stories=cast(Any, NoStories()),
        limits=Limits(),
    )
    answer = asyncio.run(get_attention(invocation, Request(route={}, headers={}, body=b"")))
    listed: list[dict[str, Any]] = dump(answer.content)["attention"]
    return listed


def test_production_that_serves_needs_no_attention(ports: FewPorts) -> None:
    ports.answer = SERVING

    assert attention(ports) == []
    assert ports.asked == ["diabetes"]


def test_production_that_went_down_is_seen_before_the_next_comparison(ports: FewPorts) -> None:
    ports.answer = replace(SERVING, ready=0, detail="Their ports are taken.")

    [found] = attention(ports)

    assert found["kind"] == "production not ready"
    assert "0 of 2 replicas are ready" in found["detail"]
    assert "Their ports are taken." in found["detail"]


def test_production_that_does_not_answer_is_seen(ports: FewPorts) -> None:
    ports.answer = PlatformError("local", "reach production", "diabetes does not answer.")

    [found] = attention(ports)

    assert (found["kind"], found["subject"]) == ("platform unreachable", "diabetes")
    assert "diabetes does not answer." in found["detail"]


def test_a_finding_about_replicas_that_serve_again_is_not_repeated(ports: FewPorts) -> None:
    finding = {
        "kind": "production not ready",
        "subject": "diabetes",
        "detail": "0 of 2",
        "repaired": False,
    }
    ports.ledger.save_record(FINDINGS, {"report": json.dumps({"findings": [finding]})})
    ports.answer = SERVING

    assert attention(ports) == []
