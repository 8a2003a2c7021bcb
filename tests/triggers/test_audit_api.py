"""The people of mlops.toml may read the audit log, under any of their names."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qsl, urlsplit

import pytest

from function_app.domain.access.audit import AuditEvent, Kind
from function_app.errors import RefusedError
from function_app.ports import Ports
from function_app.records.audit import AuditLog
from function_app.records.recorder import Recorder
from function_app.triggers.http.audit_api import AuditEntries, get_audit
from function_app.triggers.invocation import Done, Request
from tests.triggers.office import Office


class Everybody:
    """Approvers who know each token as the name of a person."""

    def identify(self, token: str) -> str | None:
        return token


def read(office: Office, token: str, **query: str) -> Done[AuditEntries]:
    """Ask for the entries; the token is the person's name."""
    ports = replace(cast(Any, office.invocation.ports), approvers=Everybody())
    recorder = Recorder(ports.rows)
    invocation = replace(office.invocation, ports=cast(Ports, ports), recorder=recorder)
    headers = {"authorization": f"Bearer {token}"}
    request = Request(route={}, headers=headers, body=b"", query=query)
    return asyncio.run(get_audit(invocation, request))


@pytest.mark.parametrize("name", ["ada", "ADA"])
def test_an_approver_reads_the_log_under_any_name(tmp_path: Path, name: str) -> None:
    assert read(Office(tmp_path), name).status == 200


def test_a_person_of_no_model_does_not_read_the_log(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="mallory is neither an approver nor an operator"):
        read(Office(tmp_path), "mallory")


def test_the_links_lead_through_the_log_with_its_selection(tmp_path: Path) -> None:
    office, shown, query = Office(tmp_path), list[int](), {"limit": "2", "model": "m"}
    log = AuditLog(office.invocation.ports.rows)
    for model in ("m", "other", "m", "m"):
        at = office.clock.now()
        log.append(AuditEvent(kind=Kind.ORDER, action="train", at=at, who="ada", model=model))
    while True:
        content = read(office, "ada", **query).content
        shown += [entry["number"] for entry in content["entries"]]
        if content["next"] is None:
            break
        link = urlsplit(content["next"])
        assert link.path == "/api/audit"
        query = dict(parse_qsl(link.query))

    assert shown == [4, 3, 1]
