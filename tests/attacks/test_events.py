"""Attacks by events whose claims about models, runs and drift are not true."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from function_app.domain.events.inbox import Outcome
from function_app.domain.release.release import ReleaseStatus
from function_app.domain.training import RunStatus
from function_app.domain.webhooks.webhook_sources import WebhookSource
from tests.attacks.attack import SAME, attack
from tests.attacks.hostile_events import DIGEST, ML, blob, event, registered
from tests.attacks.targets import MODEL, Target, ask, error_of, logged, waiting
from tests.triggers.office import Office, Records


@pytest.fixture
def office(tmp_path: Path, records: Records) -> Office:
    return Office(tmp_path, records=records)


def stories_of(target: Target) -> set[str]:
    return {story["instance_id"] for story in target.api.get("/api/status")["stories"]}


@attack(
    point=7,
    does="announces a model version that the registry does not have",
    answer="404 UNKNOWN_VERSION; the waiting release is not superseded, no story starts",
    log="refused: UNKNOWN_VERSION",
    before="succeeded",
    azure=SAME,
    by="trial",
)
def test_a_forged_version_supersedes_nothing(target: Target) -> None:
    record = waiting(target, "71")

    answer = ask(target, "POST", "/api/events", json=registered("777"))

    assert error_of(answer) == (404, "UNKNOWN_VERSION")
    stored = target.ledger.get_release(record.release.release_id)
    assert stored is not None
    assert stored.status is ReleaseStatus.AWAITING_APPROVAL
    assert target.ledger.get_release("release-diabetes-777") is None
    assert "release-diabetes-777" not in stories_of(target)
    assert logged(target, "UNKNOWN_VERSION")


@attack(
    point=7,
    does="sends events about a run, an image, a file, code or drift that do not exist",
    answer="404 with a code such as UNKNOWN_RUN; no story starts or wakes",
    log="refused: UNKNOWN_...",
    before="succeeded",
    azure=SAME,
    by="trial",
)
@pytest.mark.parametrize(
    ("claim", "code"),
    [
        (
            event(f"{ML}.RunCompleted", {"runId": "train-no", "runTags": {"instance_id": "x"}}),
            "UNKNOWN_RUN",
        ),
        (
            event(f"{ML}.RunStatusChanged", {"runId": "train-no", "runStatus": "Failed"}),
            "UNKNOWN_RUN",
        ),
        (
            event(
                "Microsoft.ContainerRegistry.ImagePushed",
                {"target": {"repository": MODEL, "tag": "9", "digest": DIGEST}},
            ),
            "UNKNOWN_IMAGE",
        ),
        (
            event("Mlops.DriftDetected", {"model": MODEL, "reportId": "r-0", "reason": "x"}),
            "UNKNOWN_REPORT",
        ),
        (
            event(f"{ML}.DatasetDriftDetected", {"datadriftname": MODEL, "runId": "drift-no"}),
            "UNKNOWN_REPORT",
        ),
        (
            event(
                "Mlops.TrainingRequested",
                {"model": MODEL, "requestId": "1", "codeVersion": "0" * 64},
            ),
            "UNKNOWN_CODE",
        ),
        (blob("diabetes/never-sent.csv"), "UNKNOWN_FILE"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_claim_about_nothing_starts_nothing(target: Target, claim: Any, code: str) -> None:
    before = stories_of(target)

    answer = ask(target, "POST", "/api/events", json=claim)

    assert error_of(answer) == (404, code)
    assert stories_of(target) - before == set()
    assert logged(target, code)


@attack(
    point=7,
    does="announces a version that was put into the registry past this app",
    answer="refused, FOREIGN_VERSION; no story starts",
    log="refused: FOREIGN_VERSION",
    before="succeeded",
    azure=SAME,
    by="trial",
)
def test_a_foreign_version_is_not_released(office: Office) -> None:
    office.registry.add(MODEL, "2", digest="")

    [receipt] = office.take(registered("2"))

    assert (receipt.outcome, receipt.code) == ("refused", "FOREIGN_VERSION")
    assert office.stories.started == []


@attack(
    point=7,
    does="announces versions while the registry is unreachable",
    answer="202 accepted; the event waits, and is refused or taken once the registry answers",
    log="event ... waits: PLATFORM",
    before="succeeded",
    azure=SAME,
    by="trial",
)
def test_an_event_waits_for_a_registry_that_is_away(office: Office) -> None:
    office.registry.add(MODEL, "3")
    office.registry.away = True
    receipts = office.take(registered("3"), registered("777"))
    assert [(r.outcome, r.code) for r in receipts] == [("accepted", "PLATFORM")] * 2
    office.clock.moment += timedelta(minutes=1)
    assert office.sweep() == 0
    assert office.stories.started == []

    office.registry.away = False

    assert office.sweep() == 2
    assert office.stories.started == ["release-diabetes-3"]
    [dead] = office.inbox.list_events(Outcome.REFUSED)
    assert dead.code == "UNKNOWN_VERSION"


@attack(
    point=7,
    does="names another story in the tags of a run that ended, or a run that still runs",
    answer="the platform's tags count; an unfinished run wakes nothing",
    log="none: the event is answered with its reason",
    before="succeeded",
    azure=SAME,
    by="trial",
)
def test_a_run_wakes_only_the_story_that_the_platform_names(office: Office) -> None:
    tags = {"instance_id": "release-diabetes-1"}
    ended = event(f"{ML}.RunCompleted", {"runId": "known", "runTags": tags})
    office.take(ended)
    assert office.stories.woken == [("train-x", "RunCompleted-known")]

    office.jobs.status = RunStatus.RUNNING
    [receipt] = office.take({**ended, "id": "2"})

    assert receipt.outcome == "ignored"
    assert len(office.stories.woken) == 1


@attack(
    point=7,
    does="reports drift of an unserved model from a source that may report drift",
    answer="refused, UNKNOWN_REPORT; without drift in its `types`, OUT_OF_SCOPE",
    log="refused: UNKNOWN_REPORT",
    before="succeeded",
    azure=SAME,
    by="trial",
)
def test_drift_is_reported_by_named_monitors_of_served_models_only(office: Office) -> None:
    drift = event("Mlops.DriftDetected", {"model": MODEL, "reportId": "r", "reason": "x"})
    types = ("Mlops.DriftDetected",)
    sources = {"monitor": WebhookSource(types=types), "builds": WebhookSource()}
    office.invocation = replace(office.invocation, sources=sources)

    [unnamed] = office.take(drift, channel="builds")
    [unserved] = office.take({**drift, "id": "2"}, channel="monitor")
    office.production.models.add(MODEL)
    [served] = office.take({**drift, "id": "3"}, channel="monitor")

    assert [r.code for r in (unnamed, unserved, served)] == ["OUT_OF_SCOPE", "UNKNOWN_REPORT", None]
    assert served.outcome == "started"
