"""The output of each story has the type of its results, in the app and in the OpenAPI document."""

import json
import typing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from function_app.composition import STORIES
from function_app.domain.change.change import CodeVersion
from function_app.domain.change.integration import IntegrationOutcome, IntegrationResult
from function_app.domain.codec import dump
from function_app.domain.drift.retraining import Verdict
from function_app.domain.drift.watching import DriftReport
from function_app.domain.lineage.reproduction import ReproductionOutcome, ReproductionResult
from function_app.domain.platform import EnsuredPart, PlatformReport
from function_app.domain.reconciliation import Finding, FindingKind, ReconcileReport
from function_app.domain.release.release import ReleaseResult, ReleaseStatus
from function_app.domain.requests import RollBackResult
from function_app.domain.stories.results import RESULTS, StoryResult, result_of
from function_app.domain.training import TrainingOutcome, TrainingResult
from tests.activities.law_bench import MODEL, image
from tests.triggers.api_scene import Scene, event

COMMIT = "1" * 40
CODE = CodeVersion(model=MODEL, version="a" * 64, uri="file:///code", commit=COMMIT)
OUTPUTS: dict[str, StoryResult] = {
    "ensure_platform": PlatformReport(parts=(EnsuredPart(part="state", detail="It exists."),)),
    "integrate_change": IntegrationResult(
        outcome=IntegrationOutcome.PUBLISHED, reasons=("r",), commit=COMMIT, code=CODE
    ),
    "reconcile": ReconcileReport(
        findings=(Finding(kind=FindingKind.NOT_READY, subject=MODEL, detail="0 of 2."),)
    ),
    "release_model": ReleaseResult(status=ReleaseStatus.PROMOTED, reasons=()),
    "reproduce_model": ReproductionResult(
        outcome=ReproductionOutcome.DIFFERENT,
        reasons=("r",),
        run_id="reproduce-m-1",
        digest="a" * 64,
        largest_difference=1e-9,
    ),
    "roll_back": RollBackResult(restored=True, served=image("1")),
    "train_model": TrainingResult(outcome=TrainingOutcome.REGISTERED, reasons=(), version="1"),
    "watch_production": DriftReport(
        model=MODEL, at=datetime(2026, 1, 1, tzinfo=UTC), verdict=Verdict.QUIET, reason="r"
    ),
}


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_the_result_of_a_story_has_the_type_that_the_story_returns(story: Any) -> None:
    returned = typing.get_args(typing.get_type_hints(story)["return"])[-1]

    assert RESULTS[story.__name__] is returned


@pytest.mark.parametrize("story", RESULTS)
def test_the_output_of_a_story_is_as_the_document_says(tmp_path: Path, story: str) -> None:
    """`send` holds the answer to the document."""
    scene, stored = Scene(tmp_path), dump(OUTPUTS[story])
    view = scene.stories.views["failed"]
    view["output"] = result_of(story, json.loads(json.dumps(stored)))

    answer = scene.send("get_instance", instance_id="failed")

    assert view["output"] == OUTPUTS[story]
    assert json.loads(answer.get_body())["output"] == stored


def test_output_of_another_form_is_shown_as_its_json() -> None:
    assert result_of("train_model", {"outcome": "unheard of"}) == '{"outcome": "unheard of"}'
    assert result_of("of another app", [1]) == "[1]"
    assert result_of("train_model", "The disk is full.") == "The disk is full."
    assert result_of("train_model", None) is None


def test_a_result_of_an_older_version_has_the_fields_of_today() -> None:
    old = {"outcome": "registered", "reasons": [], "version": "1", "gone": 1}

    assert result_of("train_model", old) == OUTPUTS["train_model"]


@pytest.mark.parametrize(
    ("payload", "reads"),
    [(event("Mlops.Unknown"), True), ({"id": "x"}, False), ("text", False), ([1], False)],
)
def test_a_stored_payload_is_as_the_document_says(
    tmp_path: Path, payload: Any, reads: bool
) -> None:
    scene = Scene(tmp_path)
    assert scene.send("post_events", json_body=[payload]).status_code == 400

    answer = scene.send("get_event", event_key=scene.event_key)

    content = json.loads(answer.get_body())
    assert content["payload"] == payload
    assert (content["type"] == "Mlops.Unknown") is reads
