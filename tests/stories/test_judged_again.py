"""Two versions are judged before there is a champion; the second one is judged again later."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from function_app.adapters.local.rows import LocalRows
from function_app.domain.stories.lane import LaneRequest, rollout_lane
from function_app.records.ledger.ledger import StoredLedger
from tests.funchost.conftest import until
from tests.long_stories import long_story
from tests.stories.conftest import App

FIRST, SECOND = "release-eager-1", "release-eager-2"


@long_story
def test_the_second_version_is_judged_against_the_first_once_that_serves(
    fresh_app: App, diabetes: str
) -> None:
    app = fresh_app
    _train(app, "a", diabetes)
    app.at_step(FIRST, "awaiting approval")
    ledger, lane, now = _ledger(app), rollout_lane("eager"), datetime.now(UTC)
    # The first release is approved, and its rollout waits until the second one waits, too.
    held = LaneRequest(lane=lane, owner="a-person", since=now, hold=timedelta(hours=1))
    assert ledger.take_lane(held, now).inside
    app.api.decide(app.api.release(FIRST), "approve", "ada", "")
    app.at_step(FIRST, "waiting for its turn")
    _train(app, "b", diabetes + diabetes.splitlines()[1] + "\n")
    app.at_step(SECOND, "awaiting approval")
    before = app.api.get(f"/api/releases/{SECOND}")
    ledger.leave_lane(lane, "a-person")
    promoted = app.ended(FIRST)["output"]
    assert promoted["status"] == "promoted"

    refused = _approve(app, before)

    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "STALE_VERDICT")
    assert "eager:2 was judged without a champion" in refused.json()["error"]["message"]
    assert app.api.get("/api/models/eager")["version"] == "1"
    shown: dict[str, Any] = {}

    def asks_again() -> bool:
        shown.update(app.api.get(f"/api/releases/{SECOND}"))
        is_new = shown["evidence_hash"] != before["evidence_hash"]
        return bool(is_new and shown["status"] == "awaiting_approval")

    until(asks_again, "the new evidence", 120)
    assert any("There is no champion" in reason for reason in before["evidence"])
    assert any("The challenger is within the margin" in reason for reason in shown["evidence"])
    evaluation = next(each for each in shown["evidence"] if each.startswith("The version was jud"))
    assert evaluation.startswith("The version was judged against version 1, by train-eager-")
    assert evaluation.endswith(
        "It was judged without a champion first, and production changed after that."
    )
    _check_card(app, shown)
    late = _approve(app, before)
    assert (late.status_code, late.json()["error"]["code"]) == (409, "STALE_DECISION")
    app.api.decide(app.api.release(SECOND), "approve", "grace", "")
    assert app.ended(SECOND)["output"]["status"] == "promoted"
    _check_roll_back(app, promoted)


def _check_card(app: App, shown: dict[str, Any]) -> None:
    """The card about the comparison with the champion is evidence beside the first card."""
    assert shown["model_card"].endswith("/eager/versions/2/evidence/model-card-vs-1.md")
    card = app.ask("GET", shown["model_card"]).text
    assert "| figure | this version | champion, version 1 |" in card
    digest = hashlib.sha256(card.encode()).hexdigest()
    assert any(digest in each and shown["model_card"] in each for each in shown["evidence"])
    lineage = app.api.get("/api/models/eager/versions/2/lineage")
    assert lineage["model_card"] == shown["model_card"]
    first = app.ask("GET", "/api/models/eager/versions/2/evidence/model-card.md").text
    assert "| figure | this version | no champion |" in first


def _check_roll_back(app: App, first: dict[str, Any]) -> None:
    """A roll-back restores the first version, and needs no verdict."""
    back = app.api.roll_back("eager", "ada", "slower than the first")
    assert app.ended(back["instance_id"])["output"]["restored"] is True
    kept = app.api.get(f"/api/releases/{SECOND}")
    assert (kept["status"], kept["rolled_back_by"]) == ("rolled_back", "ada")
    assert (kept["decided_by"], kept["reasons"]) == (
        "grace",
        ["ada rolled back to version 1: slower than the first"],
    )
    model = app.api.get("/api/models/eager")
    assert (model["version"], model["endpoint"]) == ("1", first["endpoint"])
    assert model["serves_since"] == kept["updated_at"]
    assert app.api.get("/api/attention")["attention"] == [], "a person rolled back"
    health, image = f"{first['endpoint']}/healthz", first["image_digest"]
    until(lambda: httpx.get(health).json()["image"] == image, "the first image again")


def _train(app: App, name: str, content: str) -> None:
    app.drop(f"eager/{name}.csv", content)
    ended = app.ended(app.claimed(f"eager/{name}.csv"))["output"]
    assert ended["outcome"] == "registered", ended


def _approve(app: App, shown: dict[str, Any]) -> httpx.Response:
    """Approve the second release as it was shown."""
    body = {name: shown[name] for name in ("image_digest", "evidence_hash")}
    ada = {"Authorization": f"Bearer {app.api.token('ada')}"}
    return app.ask("POST", f"/api/releases/{SECOND}/approve", json=body, headers=ada)


def _ledger(app: App) -> StoredLedger:
    return StoredLedger(LocalRows(app.state / "ledger.db"))
