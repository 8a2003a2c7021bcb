"""The audit log over HTTP, for approvers and operators."""

import asyncio
import logging
from datetime import datetime
from functools import partial
from typing import TypedDict, cast

from function_app.domain.access.audit import AuditEvent, Fault, Head, Kind, read_head
from function_app.domain.release.authorization import ChangeKind
from function_app.errors import ContractError, NotFoundError, RefusedError
from function_app.records.accounts import record_missing
from function_app.records.changes import Changes, expected_entries
from function_app.records.recorder import Recorder
from function_app.triggers.invocation import Done, Invocation, Request
from function_app.triggers.pages import limit_of, next_link
from function_app.triggers.people import identify

LOG = logging.getLogger("mlops.audit")


class AuditEntry(TypedDict):
    """An entry of the audit log as it is stored; `hash` covers the other fields."""

    number: int
    kind: Kind
    action: str
    at: datetime
    who: str
    address: str
    model: str
    subject: str
    why: str
    code: str
    reason: str
    refers_to: str
    count: int
    previous: str
    hash: str


class AuditEntries(TypedDict):
    """Some entries, newest first, and the link to the next page; None after the last page."""

    entries: list[AuditEntry]
    next: str | None


class AuditCheck(TypedDict):
    """The head, the number of the entry that was checked last, and the faults before it."""

    head: Head
    checked: int
    faults: tuple[Fault, ...]


async def get_audit(invocation: Invocation, request: Request) -> Done[AuditEntries]:
    """List entries of the audit log, newest first; `next` is the link to the next page.

    `model`, `person` and `since` select entries. `person` is the caller as the entries show it: a
    person, `key <fingerprint>`, `source <name>`.
    """
    recorder, query = _admit(invocation, request), request.query
    model, person = query.get("model", ""), query.get("person", "")
    since, limit, after = _moment(query.get("since", "")), limit_of(request), query.get("after")

    def matches(event: AuditEvent) -> bool:
        return (
            (not model or event.model == model)
            and (not person or event.who == person)
            and (since is None or event.at >= since)
        )

    if not after:
        await asyncio.to_thread(_complete, invocation, recorder)
    page = await asyncio.to_thread(recorder.log.page, matches, limit, after or None)
    # Stored rows: a damaged one is shown as it is.
    entries = [cast(AuditEntry, entry) for entry in page.entries]
    following = next_link("/api/audit", request, page.next)
    return Done(content={"entries": entries, "next": following})


async def get_audit_check(invocation: Invocation, request: Request) -> Done[AuditCheck]:
    """Check a block of the audit log after the entry `after`; send `checked` as the next `after`.

    `anchor` is a head that was stored outside of the log, NUMBER:HASH, or several with commas.
    """
    recorder, query = _admit(invocation, request), request.query
    after = query.get("after", "0")
    if not (after.isascii() and after.isdecimal() and len(after) <= 15):
        raise ContractError(f"after: expected the number of an entry, got {after[:40]!r}.")
    anchors = tuple(read_head(text) for text in query.get("anchor", "").split(",") if text)
    if after == "0":
        await asyncio.to_thread(_complete, invocation, recorder)
    expected = partial(_expected, invocation)
    check = await asyncio.to_thread(recorder.log.check, int(after), anchors, expected)
    if check.checked == check.head.number or check.faults:
        # The log of the host is another store: an operator can compare the heads that it shows.
        level = logging.WARNING if check.faults else logging.INFO
        LOG.log(level, "audit log checked: head %s, %d faults", check.head, len(check.faults))
    return Done(content={"head": check.head, "checked": check.checked, "faults": check.faults})


def _complete(invocation: Invocation, recorder: Recorder) -> None:
    """Write facts that are not in the log yet: refusals, open counts, decisions, orders."""
    invocation.host_refusals(recorder.record)
    recorder.flush()
    for model in invocation.projects:
        record_missing(invocation.ports.rows, model, invocation.ports.clock.now())


def _expected(invocation: Invocation) -> dict[str, str]:
    """Return the entries that the log must have, because production changed."""
    changes, expected = Changes(invocation.ports.rows), dict[str, str]()
    for model in invocation.projects:
        expected |= expected_entries(model, changes.readable(model))
    return expected


def _admit(invocation: Invocation, request: Request) -> Recorder:
    """Return the recorder; RefusedError when the caller approves no model and operates none."""
    person, order = identify(invocation, request), ChangeKind.ROLL_BACK
    # Approvers and operators, under any of their names, as for a roll-back.
    rules = [project.production_rules() for project in invocation.projects.values()]
    if not any(each.may_order(order, person) for each in rules):
        raise RefusedError(
            f"{person} is neither an approver nor an operator.", code="NOT_AN_APPROVER"
        )
    if invocation.recorder is None:
        raise NotFoundError("This app keeps no audit log.")
    return invocation.recorder


def _moment(text: str) -> datetime | None:
    """Return the time, None for ""; ContractError when the text is no time with a zone."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ContractError(
            f"since: expected an ISO 8601 time such as 2026-01-31T00:00:00Z, got {text[:40]!r}."
        )
    return moment
