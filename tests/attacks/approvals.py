"""The routes of decisions above the stored records of a platform, for attacks on approvals."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest

from function_app.activities import releases
from function_app.domain.codec import dump
from function_app.domain.people.authorship import Role, make_authors
from function_app.domain.people.people import Person
from function_app.domain.project import Limits
from function_app.errors import MlopsError
from function_app.ports import Ledger, Rows
from function_app.triggers.http.approvals import post_approval
from function_app.triggers.invocation import Answer, Invocation, Request
from tests.activities.law_bench import MODEL, Bench, release
from tests.attacks.targets import named_by
from tests.azure_servers.identity import OBJECT

OF_ADA = make_authors([(Role.PUSHED, "ada-gh")])
PEOPLE = {"ada": Person(git=("ada@example.com", "ada-gh"), oid=OBJECT)}
RELEASE = release("1").release_id


class People:
    """Tokens that are the names of their people."""

    def identify(self, token: str) -> str | None:
        return token or None


class Overtaken:
    """Rows in which `act` happens right before the first write."""

    def __init__(self, rows: Rows, act: Callable[[], None]) -> None:
        self._rows, self._act, self._acted = rows, act, False

    def get(self, partition: str, key: str) -> Any:
        return self._rows.get(partition, key)

    def query(self, partition: str, prefix: str = "", **bounds: Any) -> Any:
        return self._rows.query(partition, prefix, **bounds)

    def write(self, partition: str, changes: Any) -> None:
        if not self._acted:
            self._acted = True
            self._act()
        self._rows.write(partition, changes)


@dataclass
class Stories:
    """Stories of which none is under way."""

    woken: list[str] = field(default_factory=list)

    async def wake(self, instance_id: str, event: str) -> None:
        self.woken.append(instance_id)

    async def find(self, instance_id: str) -> dict[str, Any] | None:
        return None


@dataclass
class Office(Bench):
    """The law's bench with the HTTP routes of decisions above it."""

    approvers: People = field(default_factory=People)

    def send(
        self,
        respond: Callable[[Invocation, Request], Any],
        person: str,
        version: str = "1",
        **body: Any,
    ) -> Answer[Any]:
        """Send a request in the name of a person."""
        invocation = Invocation(
            ports=self.ports,
            projects=self.projects,
            stories=cast(Any, Stories()),
            limits=Limits(),
        )
        request = Request(
            route={"release_id": release(version).release_id},
            headers={"authorization": f"Bearer {person}"} if person else {},
            body=json.dumps(body).encode() if body else b"",
        )
        answer: Answer[Any] = asyncio.run(respond(invocation, request))
        return replace(answer, content=dump(answer.content))

    def approve_as(self, person: str, version: str = "1", **body: Any) -> dict[str, Any]:
        named = named_by(self.record(version))
        content: dict[str, Any] = self.send(
            post_approval, person, version, **{**named, **body}
        ).content
        return content

    def settle(self, version: str = "1") -> Any:
        return releases.settle_approval(self.ports, release(version)).decision

    def know(self, **people: Person) -> None:
        project = self.projects[MODEL]
        self.projects = {MODEL: replace(project, people=people)}


def office_of(ledger: Ledger, rows: Rows) -> Office:
    """Return an office over these records, which knows the names of ada."""
    made = Office(ledger, rows)
    made.know(**PEOPLE)
    return made


def code_of(caught: pytest.ExceptionInfo[MlopsError]) -> str:
    return caught.value.code
