"""The files behind the evidence of a version over HTTP."""

import json
from pathlib import Path

import pytest

from function_app.domain.gates import GateResult
from function_app.records.ledger import verdicts
from tests.activities.law_bench import MODEL
from tests.triggers.api_scene import REPORT, Scene


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def test_a_report_is_shown_unchanged_and_runs_nothing(scene: Scene) -> None:
    answer = scene.send("get_evidence_file", version="3", name="data-report.html", model=MODEL)

    assert (answer.mimetype, answer.get_body()) == ("text/html", REPORT)
    policy = answer.headers["Content-Security-Policy"]
    assert policy == "sandbox; default-src 'none'; style-src 'unsafe-inline'"


@pytest.mark.parametrize("name", ["data-report.json", "model.skops", "prepared.json"])
def test_a_file_that_is_not_attached_is_not_found(scene: Scene, name: str) -> None:
    answer = scene.send("get_evidence_file", version="3", name=name, model=MODEL)

    error = json.loads(answer.get_body())["error"]
    assert (answer.status_code, error["code"]) == (404, "NOT_FOUND")
    assert "It may have model-card.md, data-report.html, data-report.json" in error["message"]


def test_a_version_of_another_tool_has_no_report(scene: Scene) -> None:
    answer = scene.send("get_evidence_file", version="7", name="data-report.html", model=MODEL)

    assert answer.status_code == 404


@pytest.mark.parametrize(
    ("version", "text"),
    [("3", "The comparison of this version is not recorded."), ("7", "another tool registered")],
)
def test_a_version_without_an_attached_card_gets_one_from_its_records(
    scene: Scene, version: str, text: str
) -> None:
    answer = scene.send("get_evidence_file", version=version, name="model-card.md", model=MODEL)

    assert (answer.status_code, answer.mimetype) == (200, "text/markdown")
    card = answer.get_body().decode()
    assert card.startswith(f"# Model card: diabetes, version {version}\n")
    assert text in card


def test_the_lineage_has_the_path_of_the_card_about_the_comparison_that_is_valid_now(
    scene: Scene,
) -> None:
    def card() -> str:
        answer = scene.send("get_lineage", version="3", model=MODEL)
        return str(json.loads(answer.get_body())["model_card"])

    folder = f"/api/models/{MODEL}/versions/3/evidence"
    scene.registry.compared = "1"
    assert card() == f"{folder}/model-card.md"
    later = f"train-{MODEL}-3-vs-2"
    verdicts.save(scene.rows, later, GateResult(passed=True, reasons=("better",)))

    assert card() == f"{folder}/model-card-vs-2.md"
    answer = scene.send("get_evidence_file", version="3", name="model-card-vs-2.md", model=MODEL)
    assert (answer.status_code, answer.mimetype) == (200, "text/markdown")
    other = scene.send("get_evidence_file", version="3", name="model-card-vs-5.md", model=MODEL)
    assert other.status_code == 404
