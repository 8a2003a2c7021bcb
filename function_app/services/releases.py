"""Records of releases: the wait for a decision, each new status, and the result."""

from function_app.domain.people.duties import ApprovalRules
from function_app.domain.release.approval import Decision, check_evidence
from function_app.domain.release.release import (
    OTHER_RELEASE,
    Release,
    ReleaseRecord,
    ReleaseStatus,
    is_release_of,
)
from function_app.domain.release.serving import Image
from function_app.domain.requests import ApprovalRequest, ReleaseEnd, ReleaseUpdate
from function_app.errors import ContractError
from function_app.ports import Ports
from function_app.records.decisions import Decisions
from function_app.records.pushers import authors_of
from function_app.services.production import mark_champion, own_image
from function_app.services.promotions import end_promotion


def begin_wait(ports: Ports, request: ApprovalRequest) -> None:
    """Record that the release waits for a decision on this image and evidence.

    ContractError when the image or the evidence is of another release.
    """
    now, image = ports.clock.now(), checked_image(ports, request.release, request.image)
    check_evidence(request.evidence, request.release.release_id, image.digest)
    stored = ports.ledger.get_release(request.release.release_id)
    ports.ledger.save_release(
        ReleaseRecord(
            release=request.release,
            status=ReleaseStatus.AWAITING_APPROVAL,
            updated_at=now,
            image=image,
            evidence_hash=request.evidence.digest,
            evidence=request.evidence.reasons,
            reasons=request.evidence.reasons,
            begun_at=stored.begun_at if stored else now,
            authors=authors_of(ports, ports.registry.get(image.model, image.version)),
            evaluation_id=request.evidence.evaluation_id,
        )
    )


def update(ports: Ports, change: ReleaseUpdate) -> None:
    """Record the status of the release; other fields of its record stay."""
    _check_release(change.release)
    now, release_id = ports.clock.now(), change.release.release_id
    record = ports.ledger.get_release(release_id) or ReleaseRecord(
        release=change.release, status=change.status, updated_at=now, begun_at=now
    )
    decision = decision_on(ports, record)
    decided_by = decision.decided_by if decision else record.decided_by
    ports.ledger.save_release(change.applied_to(record, decided_by, now))


def end(ports: Ports, release_end: ReleaseEnd) -> None:
    """Record the result of the release with its reasons; a promoted one becomes the champion."""
    release, result = release_end.release, release_end.result
    change = ReleaseUpdate(
        release=release,
        status=result.status,
        reasons=(*result.reasons, *_remarks(ports, release_end)),
        endpoint=result.endpoint,
        rolled_back_by=result.rolled_back_by,
        cancelled_by=result.cancelled_by,
    )
    if result.status is ReleaseStatus.PROMOTED:
        end_promotion(ports, release)
    update(ports, change)
    if result.status is ReleaseStatus.PROMOTED:
        mark_champion(ports, release.model, release.version)


def decision_on(ports: Ports, record: ReleaseRecord) -> Decision | None:
    """Return the decision that ends a release's wait by the present rules, None without one."""
    rules = _approval_rules(ports, record.release.model)
    return Decisions(ports.rows, ports.ledger).on(record, rules)


def open_releases(ports: Ports, model: str = "") -> tuple[ReleaseRecord, ...]:
    """Return the releases that have not ended, those of one model when it is given.

    One that changes its status between two reads may be missing or stand twice.
    """
    statuses = [status for status in ReleaseStatus if not status.ended]
    of_each = (ports.ledger.with_status(status, model) for status in statuses)
    return tuple(record for records in of_each for record in records)


def checked_image(ports: Ports, release: Release, image: Image) -> Image:
    """Return the release's image in the app's own store; ContractError when it is another's."""
    _check_release(release)
    if (image.model, image.version) != (release.model, release.version):
        text = f"{image.model[:60]} {image.version[:60]} is not the image of {release.release_id}."
        raise ContractError(text, code="OTHER_IMAGE")
    return own_image(ports, image)


def _remarks(ports: Ports, release_end: ReleaseEnd) -> tuple[str, ...]:
    """Return the remark about the approval of a promoted release, () without one."""
    record = ports.ledger.get_release(release_end.release.release_id)
    if record is None or release_end.result.status is not ReleaseStatus.PROMOTED:
        return ()
    decision = decision_on(ports, record)
    remark = decision.remark if decision else ""
    return (f"It was {remark}.",) if remark else ()


def _approval_rules(ports: Ports, model: str) -> ApprovalRules | None:
    """Return the present rules for approvals, None for a model that mlops.toml does not name."""
    project = ports.projects.get(model)
    return project.approval_rules() if project else None


def _check_release(release: Release) -> None:
    """Raise ContractError when the id is not that of a release of this model and version."""
    if not is_release_of(release.release_id, release.model, release.version):
        text = (
            f"{release.release_id[:100]!r} is not an id of a release of {release.model[:60]} "
            f"{release.version[:60]}."
        )
        raise ContractError(text, code=OTHER_RELEASE)
