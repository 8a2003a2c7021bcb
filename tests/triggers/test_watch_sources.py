"""Polls of branches: each new head is published once, after every fault in between."""

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from function_app.domain.change.change import Bundle, Change
from function_app.domain.project import CodeRules, ModelProject
from function_app.errors import NotFoundError, PlatformError
from function_app.ports import Ports
from function_app.settings.settings import read_projects
from function_app.triggers.watch_sources import announce_commits

ROOT = Path(__file__).parents[2]


class Repositories:
    """Knows the heads of branches; a repository without any is away."""

    def __init__(self, heads: dict[tuple[str, str], str]) -> None:
        self.heads = heads

    def head(self, repository: str, branch: str) -> str:
        if (repository, branch) not in self.heads:
            raise NotFoundError(f"{repository} has no branch {branch}.")
        return self.heads[repository, branch]

    def fetch(self, change: Change) -> Bundle:
        raise AssertionError("looking asks for heads only")

    def supersedes(self, change: Change) -> str | None:
        raise AssertionError("looking asks for heads only")

    def post_status(self, change: Change, model: str, state: str, detail: str, link: str) -> bool:
        raise AssertionError("looking asks for heads only")


class Topic:
    """Keeps the published events, unless it is away."""

    def __init__(self) -> None:
        self.published: list[tuple[str, str]] = []
        self.away = False

    def publish(self, kind: str, subject: str, content: dict[str, object]) -> None:
        if self.away:
            raise PlatformError("local", "publish an event", "The topic is away.")
        self.published.append((subject, str(content["commit"])))


class Notes:
    """Keeps notes."""

    def __init__(self) -> None:
        self.kept: dict[str, dict[str, str]] = {}

    def save_record(self, name: str, content: dict[str, str]) -> None:
        self.kept[name] = content

    def get_record(self, name: str) -> dict[str, str] | None:
        return self.kept.get(name)


class Invocation:
    def __init__(self, heads: dict[tuple[str, str], str]) -> None:
        self.sources, self.events, self.ledger = Repositories(heads), Topic(), Notes()

    def look(self, projects: dict[str, ModelProject]) -> int:
        return announce_commits(cast(Ports, cast(Any, self)), projects)


def project(repository: str, *branches: str) -> ModelProject:
    diabetes = read_projects(ROOT / "mlops.toml")["diabetes"]
    return replace(diabetes, code=CodeRules(repository=repository, branches=branches))


PROJECTS = {"one": project("/srv/a.git", "main", "release/*"), "two": project("/srv/b.git", "main")}


def test_a_head_is_published_at_first_sight_and_when_it_moves() -> None:
    invocation = Invocation({("/srv/a.git", "main"): "1", ("/srv/b.git", "main"): "2"})

    counts = [invocation.look(PROJECTS), invocation.look(PROJECTS)]
    invocation.sources.heads["/srv/a.git", "main"] = "3"
    counts.append(invocation.look(PROJECTS))

    assert counts == [2, 0, 1]
    assert invocation.events.published == [
        ("repos/srv/a/branches/main", "1"),
        ("repos/srv/b/branches/main", "2"),
        ("repos/srv/a/branches/main", "3"),
    ]


def test_a_repository_that_is_away_keeps_nobody_from_looking_at_the_others() -> None:
    invocation = Invocation({("/srv/b.git", "main"): "2"})

    assert invocation.look(PROJECTS) == 1


def test_a_head_whose_event_was_not_published_is_published_at_the_next_look() -> None:
    invocation = Invocation({("/srv/a.git", "main"): "1"})
    invocation.events.away = True
    assert invocation.look(PROJECTS) == 0

    invocation.events.away = False

    assert invocation.look(PROJECTS) == 1


def test_models_of_one_repository_are_one_look() -> None:
    invocation = Invocation({("/srv/a.git", "main"): "1"})
    both = {"one": project("/srv/a.git", "main"), "two": project("/srv/a.git", "main")}

    assert invocation.look(both) == 1


@pytest.mark.parametrize("branches", [("*",), ("release/**",), ()])
def test_patterns_are_for_webhooks(branches: tuple[str, ...]) -> None:
    invocation = Invocation({("/srv/a.git", "main"): "1"})

    assert invocation.look({"one": project("/srv/a.git", *branches)}) == 0
