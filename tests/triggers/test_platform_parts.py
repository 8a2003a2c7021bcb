"""Taking a part of the platform away over HTTP: named twice, and not while somebody needs it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from function_app import names
from function_app.domain.project import Limits
from function_app.errors import ConflictError, NotFoundError, RefusedError
from function_app.ports import Ports
from function_app.triggers.http.http_api import delete_part
from function_app.triggers.invocation import Answer, Invocation, Request
from tests.triggers.office import PROJECTS


@dataclass
class FakePlatform:
    """A platform of one part, and a clock."""

    removed: list[str] = field(default_factory=list)

    def parts(self) -> tuple[str, ...]:
        return ("compute",)

    def isolation(self) -> str:
        return "namespaces: a test"

    def remove(self, part: str) -> str:
        self.removed.append(part)
        return f"{part} is being removed."

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC)


class NamedPeople:
    """Tokens that are the names of their people."""

    def identify(self, token: str) -> str | None:
        return token or None


@dataclass
class FewPorts:
    platform: FakePlatform
    clock: FakePlatform
    approvers: NamedPeople = field(default_factory=NamedPeople)


@dataclass
class FakeStories:
    """Stories that are listed."""

    views: list[dict[str, Any]]

    async def list(self, since: datetime) -> list[Any]:
        return self.views


def story(name: str, *, ended: bool) -> dict[str, Any]:
    return {"instance_id": f"{name}-1", "story": name, "ended": ended}


@pytest.fixture
def platform() -> FakePlatform:
    return FakePlatform()


@pytest.fixture
def remove(platform: FakePlatform) -> Callable[..., Answer[Any]]:
    def ask(part: str, sure: str, *stories: dict[str, Any], person: str = "ada") -> Answer[Any]:
        ports = FewPorts(platform=platform, clock=platform)
        invocation = Invocation(
            ports=cast(Ports, ports),
            projects=PROJECTS,
            stories=cast(Any, FakeStories(list(stories))),
            limits=Limits(),
        )
        headers = {"authorization": f"Bearer {person}"} if person else {}
        request = Request(route={"part": part}, headers=headers, body=b"", query={"sure": sure})
        return asyncio.run(delete_part(invocation, request))

    return ask


def test_a_part_that_is_named_twice_is_removed(
    platform: FakePlatform, remove: Callable[..., Answer[Any]]
) -> None:
    done = story(names.TRAIN_MODEL, ended=True)
    watch = story(names.WATCH_PRODUCTION, ended=False)

    assert remove("compute", "compute", done, watch).status == 200
    assert platform.removed == ["compute"]


@pytest.mark.parametrize(
    ("part", "sure", "error", "text"),
    [
        ("compute", "", ConflictError, "sure=compute"),
        ("compute", "datastore", ConflictError, "cannot be undone"),
        ("nothing", "nothing", NotFoundError, "There are compute"),
    ],
)
def test_a_part_that_is_not_named_twice_stays(
    platform: FakePlatform,
    remove: Callable[..., Answer[Any]],
    part: str,
    sure: str,
    error: type[Exception],
    text: str,
) -> None:
    with pytest.raises(error, match=text):
        remove(part, sure)
    assert platform.removed == []


@pytest.mark.parametrize("name", [names.INTEGRATE_CHANGE, names.TRAIN_MODEL, names.RELEASE_MODEL])
def test_no_part_is_removed_under_a_story_that_needs_it(
    platform: FakePlatform, remove: Callable[..., Answer[Any]], name: str
) -> None:
    with pytest.raises(ConflictError, match=f"{name}-1 is under way"):
        remove("compute", "compute", story(name, ended=False))
    assert platform.removed == []


@pytest.mark.parametrize(
    ("person", "code"), [("", "UNAUTHENTICATED"), ("mallory", "NOT_AN_OPERATOR")]
)
def test_only_an_operator_of_every_model_removes_a_part(
    platform: FakePlatform, remove: Callable[..., Answer[Any]], person: str, code: str
) -> None:
    with pytest.raises(RefusedError) as caught:
        remove("compute", "compute", person=person)

    assert caught.value.code == code
    assert platform.removed == []
