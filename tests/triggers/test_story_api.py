"""Cancel and retry over HTTP: rights, refusals, and repetitions, which start nothing."""

import asyncio
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from function_app.adapters.local.rows import LocalRows
from function_app.domain.codec import dump, load
from function_app.domain.project import Limits
from function_app.domain.release.release import (
    Release,
    ReleaseRecord,
    ReleaseStatus,
    next_attempt,
    release_id,
)
from function_app.domain.training import TrainingRequest
from function_app.errors import (
    ConflictError,
    ContractError,
    MlopsError,
    NotFoundError,
    RefusedError,
)
from function_app.ports import Ports
from function_app.records.inbox.inbox import StoredInbox
from function_app.records.ledger.ledger import StoredLedger
from function_app.settings.settings import read_projects
from function_app.triggers.bodies import Comment, NoFields, read_body
from function_app.triggers.http.story_api import post_cancel, post_retry
from function_app.triggers.invocation import Answer, Invocation, Request

PROJECTS = read_projects(Path(__file__).parents[2] / "mlops.toml")
TRAINING = TrainingRequest(
    model="diabetes",
    cause="c" * 32,
    data_uri="file:///a.csv",
    policy=PROJECTS["diabetes"].training_policy(),
)
RELEASE = Release(
    release_id=release_id("diabetes", "1"),
    model="diabetes",
    version="1",
    policy=PROJECTS["diabetes"].release_policy(),
)


@dataclass
class KnownStories:
    """Stories by their id, with their inputs, their starts and their wakes."""

    views: dict[str, dict[str, Any]] = field(default_factory=dict)
    arguments: dict[str, Any] = field(default_factory=dict)
    started: list[tuple[str, str, Any]] = field(default_factory=list)
    woken: list[tuple[str, str]] = field(default_factory=list)

    async def start(self, story: str, instance_id: str, argument: Any) -> None:
        self.started.append((story, instance_id, argument))
        self.views[instance_id] = view(story, instance_id, "running")
        self.arguments[instance_id] = argument

    async def wake(self, instance_id: str, event: str) -> None:
        self.woken.append((instance_id, event))

    async def find(self, instance_id: str) -> Any:
        return self.views.get(instance_id)

    async def argument(self, instance_id: str) -> Any:
        return self.arguments.get(instance_id)

    async def list(self, since: datetime) -> list[Any]:
        return list(self.views.values())

    async def forget(self, start: datetime, end: datetime) -> int:
        return 0


@dataclass
class FewPorts:
    """The records of this machine, a clock that stands, and two people."""

    inbox: StoredInbox
    ledger: StoredLedger

    @property
    def clock(self) -> "FewPorts":
        return self

    @property
    def approvers(self) -> "FewPorts":
        return self

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC)

    def identify(self, token: str) -> str | None:
        return token or None


def view(story: str, instance_id: str, outcome: str, step: str = "training") -> dict[str, Any]:
    return {
        "instance_id": instance_id,
        "story": story,
        "ended": outcome != "running",
        "can_be_cancelled": outcome == "running",
        "outcome": outcome,
        "step": {"step": step},
        "facts": {"model": "diabetes"},
    }


class Office:
    """A invocation over the given stories."""

    def __init__(self, folder: Path) -> None:
        self.stories = KnownStories()
        self.ports = FewPorts(
            StoredInbox(LocalRows(folder / "i.db")), StoredLedger(LocalRows(folder / "l.db"))
        )
        self.invocation = Invocation(
            ports=cast(Ports, self.ports),
            projects=PROJECTS,
            stories=self.stories,
            limits=Limits(),
        )

    def knows(self, story: str, instance_id: str, outcome: str, argument: Any = None) -> None:
        self.stories.views[instance_id] = view(story, instance_id, outcome)
        self.stories.arguments[instance_id] = dump(argument)

    def cancel(self, instance_id: str, person: str = "ada", **body: Any) -> Answer[Any]:
        headers = {"authorization": f"Bearer {person}"} if person else {}
        return asyncio.run(post_cancel(self.invocation, request(instance_id, body, headers)))

    def retry(self, instance_id: str, person: str = "") -> dict[str, Any]:
        headers = {"authorization": f"Bearer {person}"} if person else {}
        answer = asyncio.run(post_retry(self.invocation, request(instance_id, {}, headers)))
        content: dict[str, Any] = dump(answer.content)
        return content


def request(instance_id: str, body: dict[str, Any], headers: dict[str, str]) -> Request:
    text = json.dumps(body).encode() if body else b""
    return Request(route={"instance_id": instance_id}, headers=headers, body=text)


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


def test_a_cancellation_is_recorded_once_and_wakes_the_story(office: Office) -> None:
    office.knows("train_model", "t1", "running")

    answers = [office.cancel("t1", comment="wrong"), office.cancel("t1")]

    assert [answer.status for answer in answers] == [202, 202]
    kept = dump(answers[1].content["cancellation"])
    assert (kept["by"], kept["comment"], kept["at"]) == ("ada", "wrong", "2026-01-01T00:00:00Z")
    assert office.stories.woken == [("t1", "Cancel-t1")] * 2


@pytest.mark.parametrize(
    ("story", "outcome", "step", "code"),
    [
        ("train_model", "failed", "failed", "STORY_ENDED"),
        ("release_model", "running", "promoting", "TOO_LATE"),
        ("release_model", "running", "verifying production", "TOO_LATE"),
        ("train_model", "running", "registering", "TOO_LATE"),
        ("reconcile", "running", "comparing", "NOT_CANCELLABLE"),
        ("roll_back", "running", "rolling back", "NOT_CANCELLABLE"),
    ],
)
def test_a_refused_cancellation_names_the_reason(
    office: Office, story: str, outcome: str, step: str, code: str
) -> None:
    office.stories.views["x"] = view(story, "x", outcome, step)

    with pytest.raises(ConflictError) as caught:
        office.cancel("x")

    assert caught.value.code == code
    assert office.stories.woken == []


@pytest.mark.parametrize(
    ("person", "body", "error", "code"),
    [
        ("", {}, RefusedError, "UNAUTHENTICATED"),
        ("mallory", {}, RefusedError, "NOT_AN_APPROVER"),
        ("ada", {"coment": "x"}, ContractError, "UNKNOWN_FIELD"),
        ("ada", {"comment": 1}, ContractError, "CONTRACT"),
        ("ada", {"comment": "x" * 2001}, ContractError, "CONTRACT"),
    ],
)
def test_a_cancellation_by_a_stranger_or_with_a_wrong_body_is_refused(
    office: Office, person: str, body: dict[str, Any], error: type[MlopsError], code: str
) -> None:
    office.knows("train_model", "t1", "running")

    with pytest.raises(error) as caught:
        office.cancel("t1", person, **body)

    assert caught.value.code == code


def test_a_cancellation_ends_the_wait_for_a_run_that_is_seldom_polled(office: Office) -> None:
    office.knows("train_model", "t1", "running")
    office.stories.views["t1"]["step"]["run_id"] = "r1"

    office.cancel("t1")

    assert office.stories.woken == [("t1", "Cancel-t1"), ("t1", "RunCompleted-r1")]


def test_a_second_person_or_comment_is_told_of_the_first(office: Office) -> None:
    office.knows("train_model", "t1", "running")
    office.cancel("t1", comment="wrong")

    for person, comment in (("grace", "wrong"), ("ada", "another")):
        with pytest.raises(ConflictError, match="ada cancelled it: wrong") as caught:
            office.cancel("t1", person, comment=comment)
        assert caught.value.code == "ALREADY_CANCELLED"


@pytest.mark.parametrize("outcome", ["failed", "rejected", "cancelled", "terminated"])
def test_a_training_is_retried_by_today_s_policy_and_only_once(
    office: Office, outcome: str
) -> None:
    office.knows("train_model", "t1", outcome, TRAINING)

    first, second = office.retry("t1"), office.retry("t1")

    assert (first["outcome"], second["outcome"]) == ("started", "repeated")
    assert first["instance_id"] == second["instance_id"] != "t1"
    ((story, instance_id, argument),) = office.stories.started
    assert (story, argument["data_uri"]) == ("train_model", "file:///a.csv")
    assert instance_id == f"train-diabetes-{argument['cause'][:12]}"
    assert argument["cause"] != TRAINING.cause


def test_each_attempt_leads_to_the_next(office: Office) -> None:
    office.knows("release_model", "release-diabetes-1", "failed", RELEASE)

    second = office.retry("release-diabetes-1")["instance_id"]
    office.stories.views[second] |= {"ended": True, "outcome": "failed"}
    tried = ReleaseRecord(
        release=next_attempt(RELEASE),
        status=ReleaseStatus.FAILED,
        updated_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    office.ports.ledger.save_release(tried)
    third = office.retry(second)["instance_id"]

    assert (second, third) == ("release-diabetes-1-try2", "release-diabetes-1-try3")
    assert office.retry("release-diabetes-1")["outcome"] == "repeated"


@pytest.mark.parametrize(
    ("story", "outcome", "code"),
    [
        ("train_model", "running", "UNDER_WAY"),
        ("train_model", "registered", "NOTHING_TO_RETRY"),
        ("train_model", "superseded", "NOTHING_TO_RETRY"),
        ("release_model", "promoted", "NOTHING_TO_RETRY"),
        ("reconcile", "failed", "NOT_RETRYABLE"),
    ],
)
def test_a_refused_retry_names_the_reason(
    office: Office, story: str, outcome: str, code: str
) -> None:
    office.knows(story, "x", outcome)

    with pytest.raises(ConflictError) as caught:
        office.retry("x")

    assert caught.value.code == code
    assert office.stories.started == []


def test_an_unknown_story_is_not_found(office: Office) -> None:
    for ask in (office.retry, office.cancel):
        with pytest.raises(NotFoundError, match="There is no story"):
            ask("nothing")


@pytest.mark.parametrize(
    ("body", "kind", "message"),
    [
        (b'{"coment": "x"}', Comment, "Did you mean 'comment'?"),
        (b'{"zzz": 1}', Comment, "Known fields: comment."),
        (b'{"sure": 1}', NoFields, "takes no fields"),
        (b"[1]", Comment, "must be a JSON object"),
        (b"{", Comment, "not JSON"),
    ],
)
def test_a_body_is_read_strictly(body: bytes, kind: type[object], message: str) -> None:
    with pytest.raises(ContractError) as caught:
        read_body(Request(route={}, headers={}, body=body), kind)

    assert message in caught.value.message


@pytest.mark.parametrize("body", [b"", b"  ", b"{}", b'{"comment": null}'])
def test_a_body_without_fields_has_no_comment(body: bytes) -> None:
    assert read_body(Request(route={}, headers={}, body=body), Comment).comment == ""


def test_a_person_who_retries_is_an_author(office: Office) -> None:
    office.knows("train_model", "t1", "failed", TRAINING)

    office.retry("t1", "ada")
    (_, second, argument) = office.stories.started[-1]
    office.knows("train_model", second, "failed", load(TrainingRequest, argument))
    office.retry(second, "grace")

    assert office.stories.started[0][2]["started_by"] == ["ada"]
    assert office.stories.started[1][2]["started_by"] == ["ada", "grace"]


def test_a_retry_with_a_wrong_token_starts_nothing(office: Office) -> None:
    office.knows("train_model", "t1", "failed", TRAINING)

    with pytest.raises(RefusedError):
        asyncio.run(post_retry(office.invocation, request("t1", {}, {"authorization": "Bearer "})))

    assert office.stories.started == []
