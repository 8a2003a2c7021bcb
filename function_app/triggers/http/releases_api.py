"""Releases over HTTP, and the progress of their approval."""

import asyncio
from datetime import datetime
from typing import TypedDict

from function_app.domain.lineage.evidence_files import (
    DATA_REPORT,
    MODEL_CARD,
    file_path,
    names_of,
)
from function_app.domain.people.authorship import Authors
from function_app.domain.people.duties import of_approvals
from function_app.domain.release.approval import Decision, counting, effective
from function_app.domain.release.release import ReleaseRecord, ReleaseStatus
from function_app.domain.stories.views import StoryView
from function_app.domain.text.identifiers import RELEASE_ID
from function_app.domain.training import ModelVersion, is_own
from function_app.errors import MlopsError, NotFoundError
from function_app.records.decisions import Decisions
from function_app.triggers.invocation import Done, Invocation, Request
from function_app.triggers.pages import limit_of, next_link


class ApprovalsView(TypedDict):
    """The progress of an approval, the people who approved, and those who may approve."""

    approvals: str
    approvals_required: int
    approved_by: list[str]
    may_approve: list[str]
    decisions: list[Decision]
    decision: Decision | None


class ReleaseView(ApprovalsView):
    """A release with the digest and the hash that a decision must name."""

    release_id: str
    model: str
    version: str
    status: ReleaseStatus
    image_digest: str | None
    evidence_hash: str | None
    reasons: list[str]
    evidence: list[str]
    endpoint: str | None
    decided_by: str | None
    rolled_back_by: str | None
    cancelled_by: str | None
    approvers: list[str]
    authors: Authors
    begun_at: datetime | None
    updated_at: datetime


class ReleaseList(TypedDict):
    """Some releases, and the link to the next page; None after the last page."""

    releases: list[ReleaseView]
    next: str | None


class Origin(TypedDict):
    """The run and the commit of a released version; None where they are unknown.

    `data_report` and `model_card` are paths of files, None for a version of another tool; the
    evidence has the SHA-256 of each file.
    """

    run: str | None
    commit: str | None
    data_report: str | None
    model_card: str | None


class WholeRelease(ReleaseView, Origin):
    """A release with its run, its commit, its data file, and its story."""

    data: str | None
    story: StoryView | None


async def get_releases(invocation: Invocation, request: Request) -> Done[ReleaseList]:
    """List the releases by their beginning, newest first; `next` is the link to the next page."""
    limit, after = limit_of(request), request.query.get("after") or None
    page = invocation.ports.ledger.releases(limit, after)
    decisions = Decisions(invocation.ports.rows, invocation.ports.ledger).on_each(page.releases)
    releases = [
        _view(invocation, record, decisions.get(record.release.release_id, ()))
        for record in page.releases
    ]
    following = next_link("/api/releases", request, page.next)
    return Done(content={"releases": releases, "next": following})


async def get_release(invocation: Invocation, request: Request) -> Done[WholeRelease]:
    """Show one release with the digest and the hash that a decision must name."""
    record = find_release(invocation, request.route["release_id"])
    story = await invocation.stories.find(record.release.release_id)
    origin = await asyncio.to_thread(_origin, invocation, record)
    training = await invocation.stories.find(origin["run"]) if origin["run"] else None
    data = training["facts"].get("data") if training else None
    decisions = Decisions(invocation.ports.rows, invocation.ports.ledger).of_release(record)
    view = _view(invocation, record, decisions)
    return Done(content={**view, **origin, "data": data, "story": story})


def _origin(invocation: Invocation, record: ReleaseRecord) -> Origin:
    """Return the run and the commit of the released version, None for unknown ones."""
    try:
        version = invocation.ports.registry.get(record.release.model, record.release.version)
    except MlopsError:
        return {"run": None, "commit": None, "data_report": None, "model_card": None}
    return {
        "run": version.run_id,
        "commit": version.code.commit if version.code else None,
        "data_report": _path(version, DATA_REPORT, record.evaluation_id),
        "model_card": _path(version, MODEL_CARD, record.evaluation_id),
    }


def _path(version: ModelVersion, kind: str, evaluation: str) -> str | None:
    """Return the path of a file behind the evidence; None for a version of another tool."""
    name = names_of(version, evaluation)[kind]
    return file_path(version.model, version.version, name) if is_own(version) else None


def find_release(invocation: Invocation, release_id: str) -> ReleaseRecord:
    """Return a release, or raise NotFoundError."""
    known = RELEASE_ID.accepts(release_id)
    record = invocation.ports.ledger.get_release(release_id) if known else None
    if record is None:
        raise NotFoundError(
            f"There is no release {release_id[:256]!r}. GET /api/releases lists them."
        )
    return record


def approvals_of(
    invocation: Invocation, record: ReleaseRecord, decisions: tuple[Decision, ...]
) -> ApprovalsView:
    """Return the progress of a release's approval by the rules of mlops.toml now."""
    project = invocation.projects.get(record.release.model)
    rules = project.approval_rules() if project else None
    given = counting(decisions, record, rules)
    required = rules.required_of(record.authors) if rules else 1
    return {
        "approvals": of_approvals(len(given), required),
        "approvals_required": required,
        "approved_by": [decision.decided_by for decision in given],
        "may_approve": list(rules.eligible(record.authors)) if rules else [],
        "decisions": [decision for decision in decisions if decision.names(record)],
        "decision": effective(decisions, record, rules),
    }


def _view(
    invocation: Invocation, record: ReleaseRecord, decisions: tuple[Decision, ...]
) -> ReleaseView:
    project, approvals = (
        invocation.projects.get(record.release.model),
        approvals_of(invocation, record, decisions),
    )
    decided = approvals["decision"]
    approvers = project.release.approvers if project else record.release.policy.approvers
    return {
        "release_id": record.release.release_id,
        "model": record.release.model,
        "version": record.release.version,
        "status": record.status,
        "image_digest": record.image.digest if record.image else None,
        "evidence_hash": record.evidence_hash,
        "reasons": list(record.reasons),
        "evidence": list(record.evidence or (record.reasons if not record.status.ended else ())),
        "endpoint": record.endpoint,
        "decided_by": record.decided_by or (decided.decided_by if decided else None),
        "rolled_back_by": record.rolled_back_by,
        "cancelled_by": record.cancelled_by,
        "approvers": list(approvers),
        "authors": record.authors,
        **approvals,
        "begun_at": record.begun_at,
        "updated_at": record.updated_at,
    }
