from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from function_app.domain.reconciliation import (
    StoryState,
    dead_releases,
    judge_champion,
    judge_serving,
    judge_stories,
    lost_runs,
)
from function_app.domain.release.authorization import Change, ChangeKind, ChangeState
from function_app.domain.release.release import Release, ReleasePolicy, ReleaseRecord, ReleaseStatus
from function_app.domain.release.serving import Image, Serving
from function_app.domain.training import Run, RunStatus

NOW = datetime(2026, 1, 1, tzinfo=UTC)
IMAGE = Image(model="m", version="1", digest="sha256:aa", uri="u")
RECORD = ReleaseRecord(
    release=Release(
        release_id="release-m-1", model="m", version="1", policy=ReleasePolicy(approvers=("ada",))
    ),
    status=ReleaseStatus.AWAITING_APPROVAL,
    updated_at=NOW - timedelta(hours=1),
    image=IMAGE,
)
STORY = StoryState(instance_id="release-m-1", status="Running", ended=False, updated_at=NOW)
ENDED = replace(STORY, status="Terminated", ended=True)
RUN = Run(
    run_id="r",
    model="m",
    status=RunStatus.RUNNING,
    dataset_version="",
    output_uri="",
    tags={"instance_id": "release-m-1"},
)


def test_a_release_is_dead_when_its_story_ended_or_is_gone_and_it_is_not_brand_new() -> None:
    young = replace(RECORD, updated_at=NOW - timedelta(minutes=1))

    assert dead_releases([RECORD], {"release-m-1": STORY}, NOW) == []
    assert dead_releases([RECORD], {"release-m-1": ENDED}, NOW) == [RECORD]
    assert dead_releases([RECORD], {}, NOW) == [RECORD]
    assert dead_releases([young], {}, NOW) == []
    assert dead_releases([replace(RECORD, status=ReleaseStatus.EXPIRED)], {}, NOW) == []


def test_only_a_run_of_ours_that_runs_for_nobody_is_lost() -> None:
    assert lost_runs([RUN], {"release-m-1": STORY}) == []
    assert lost_runs([RUN], {"release-m-1": ENDED}) == [RUN]
    assert lost_runs([replace(RUN, tags={})], {}) == []
    assert lost_runs([replace(RUN, status=RunStatus.FAILED)], {}) == []


PROMOTED = replace(RECORD, status=ReleaseStatus.PROMOTED)
OTHER = replace(IMAGE, digest="sha256:bb", version="9")
CHANGE = Change(
    number=2,
    kind=ChangeKind.PROMOTION,
    cause="release-m-2",
    by="ada",
    begun_at=NOW,
    image=OTHER,
    former=IMAGE,
    state=ChangeState.DONE,
)


def test_a_champion_that_no_decision_explains_is_reported_also_while_a_release_waits() -> None:
    for records in ([PROMOTED], [PROMOTED, RECORD]):
        assert judge_champion("m", IMAGE, records, None, explained=True) is None
        found = judge_champion("m", OTHER, records, None, explained=False)
        assert found is not None
        assert "version 9, sha256:bb, which no decision explains" in found.detail
    assert judge_champion("m", None, [], None, explained=False) is None


def test_production_that_serves_nothing_is_reported_unless_a_rollout_is_under_way() -> None:
    gone = judge_champion("m", None, [PROMOTED], None, explained=False)

    assert gone is not None
    assert "serves nothing" in gone.detail
    assert judge_champion("m", None, [PROMOTED, RECORD], None, explained=False) is None


@pytest.mark.parametrize(
    ("state", "served", "agrees"),
    [
        (ChangeState.DONE, OTHER, True),
        (ChangeState.DONE, IMAGE, False),
        (ChangeState.DONE, None, False),
        (ChangeState.BEGUN, OTHER, True),
        (ChangeState.BEGUN, IMAGE, True),
        (ChangeState.BEGUN, None, False),
        (ChangeState.TAKING_BACK, IMAGE, True),
        (ChangeState.TAKEN_BACK, IMAGE, True),
        (ChangeState.TAKEN_BACK, OTHER, False),
    ],
)
def test_the_last_change_says_what_production_may_serve(
    state: ChangeState, served: Image | None, agrees: bool
) -> None:
    change = replace(CHANGE, state=state)

    finding = judge_champion("m", served, [PROMOTED, RECORD], change, explained=True)

    assert (finding is None) is agrees
    if finding is not None:
        assert "the last decision does not say" in finding.detail or served is None


def test_after_an_ordered_shutdown_production_serves_nothing() -> None:
    down = replace(CHANGE, kind=ChangeKind.SHUTDOWN, image=None)

    assert judge_champion("m", None, [PROMOTED], down, explained=False) is None
    assert judge_champion("m", IMAGE, [PROMOTED], down, explained=True) is not None


def test_stories_that_failed_lately_or_stand_still_are_told() -> None:
    failed = replace(ENDED, status="Failed", detail="PLATFORM: full.")
    old = replace(failed, updated_at=NOW - timedelta(days=30))
    still = replace(STORY, updated_at=NOW - timedelta(days=9))

    held = replace(STORY, status="Suspended")

    findings = judge_stories([failed, old, still, STORY, held], NOW)

    assert [finding.kind for finding in findings] == [
        "failed story",
        "stuck story",
        "suspended story",
    ]
    assert "rotate the keys" in findings[-1].detail


def test_production_without_enough_ready_replicas_is_reported_but_not_during_a_rollout() -> None:
    promoted = replace(RECORD, status=ReleaseStatus.PROMOTED)
    down = Serving(image=IMAGE, replicas=2, ready=0, detail="ImagePullBackOff.")

    assert judge_serving("m", None, [promoted]) is None
    assert judge_serving("m", replace(down, ready=2), [promoted]) is None
    moving = replace(RECORD, status=ReleaseStatus.IN_PROGRESS)
    waiting = replace(RECORD, status=ReleaseStatus.AWAITING_APPROVAL)
    assert judge_serving("m", down, [promoted, moving]) is None
    assert judge_serving("m", down, [promoted, waiting]) is not None
    found = judge_serving("m", down, [promoted])
    assert found is not None
    assert found.kind == "production not ready"
    assert "Version 1 should be served; 0 of 2 replicas are ready." in found.detail
    assert found.detail.endswith("ImagePullBackOff.")
    assert not found.repaired, "people are told of production that is down"
