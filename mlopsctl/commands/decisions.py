"""Decisions and orders: approve, reject, roll back, take production down, cancel."""

import sys
import time
from typing import Annotated, Any

import typer

from mlopsctl import screens
from mlopsctl.reach.client import Api, ApiError, segment
from mlopsctl.reach.connection import print_json
from mlopsctl.reach.options import Decider, decides
from mlopsctl.reach.seen import Subject, subject_of

PATIENCE = 120.0


Image = Annotated[
    str, typer.Option("--image", help="Digest of the image that you read; with --evidence.")
]
EvidenceHash = Annotated[
    str, typer.Option("--evidence", help="Hash of the evidence that you read; with --image.")
]


def _decide(verb: str, release_id: str, decider: Decider, image: str, evidence: str) -> None:
    if bool(image) is not bool(evidence):
        raise ApiError("NOT_READ", "Give --image and --evidence together, as `show` prints them.")
    named: Subject | None = {"image_digest": image, "evidence_hash": evidence} if image else None
    subject = named or decider.api.seen.find(release_id)
    person = decider.person
    release = decider.api.release(release_id)
    if not decider.as_json:
        for line in release_lines(release):
            screens.console().print(line, soft_wrap=True, markup=False)
    subject = subject or _ask(verb, release, decider)
    read = {"release_id": release_id, **subject}
    content = decider.api.decide(read, verb, person, decider.comment)
    if decider.as_json:
        return print_json(content)
    decision = content["decision"]
    said = f": {decision['comment']}" if decision["comment"] else ""
    print(f"{decision['decided_by']}: {decision['verdict']} {release_id}{said}")
    if decision.get("remark"):
        print(f"It is {decision['remark']}.")
    if verb == "approve" and content.get("approvals"):
        print(f"{content['approvals']}.")
    return None


def _ask(verb: str, release: dict[str, Any], decider: Decider) -> Subject:
    """Return the image and evidence of the release on the screen, once the person agreed.

    ApiError when there is no terminal at which a person could have read them. typer.Abort when the
    person does not agree.
    """
    release_id, subject = release["release_id"], subject_of(release)
    if subject is None:
        text = f"{release_id} is {release['status']}; it has no image and evidence to decide on."
        raise ApiError("RELEASE_NOT_WAITING", text)
    if decider.as_json or not sys.stdin.isatty():
        raise ApiError(
            "NOT_READ",
            f"No command has shown you the evidence of {release_id}, so nothing was sent. Read it "
            f"first: `mlopsctl show {release_id}`. A script names what a person read by --image "
            "and --evidence.",
        )
    typer.confirm(f"{verb.capitalize()} this image and this evidence?", abort=True)
    return subject


def release_lines(release: dict[str, Any]) -> list[str]:
    """Return the subject of a decision: model, version, image, origin, and the evidence."""
    lines = [f"{release['release_id']}: {release['model']} version {release['version']}"]
    for name in ("status", "approvals", "image_digest", "evidence_hash", "commit", "data", "run"):
        if release.get(name):
            lines.append(f"  {name.replace('_', ' '):<14}{release[name]}")
    return [*lines, *(f"  - {reason}" for reason in release.get("evidence") or ())]


@decides
def approve(
    decider: Decider, release_id: str, image: Image = "", evidence: EvidenceHash = ""
) -> None:
    """Approve the image and the evidence of a release that you read.

    The decision names the image and the evidence that `show` or `releases` showed you last. If
    neither did, this command shows it and asks. The app refuses when the release has another image
    or evidence now.
    """
    _decide("approve", release_id, decider, image, evidence)


@decides
def reject(
    decider: Decider, release_id: str, image: Image = "", evidence: EvidenceHash = ""
) -> None:
    """Reject a release by the image and the evidence that you read, as `approve` does."""
    _decide("reject", release_id, decider, image, evidence)


@decides
def withdraw(decider: Decider, release_id: str) -> None:
    """Withdraw your approval of a release; this is possible until its promotion begins."""
    content = decider.api.withdraw(release_id, decider.person, decider.comment)
    if decider.as_json:
        return print_json(content)
    person = content["decision"]["decided_by"]
    return print(f"{person} withdrew the approval of {release_id}: {content['approvals']}.")


@decides
def roll_back(decider: Decider, model: str) -> None:
    """Roll production back to the release before the present one."""
    content = decider.api.roll_back(model, decider.person, decider.comment)
    if decider.as_json:
        return print_json(content)
    return print(f"{content['instance_id']} rolls {model} back to version {content['to_version']}")


@decides
def shutdown(decider: Decider, model: str) -> None:
    """Take production of a model down; it answers no request until the next promotion."""
    content = decider.api.shutdown(model, decider.person, decider.comment)
    if decider.as_json:
        return print_json(content)
    return print(f"{content['instance_id']} takes production of {model} down")


@decides
def cancel(
    decider: Decider,
    story: Annotated[str, typer.Argument(metavar="ID", help="A training or a release.")],
) -> None:
    """Cancel a training or a release that is under way, and wait until it has ended.

    Its run is stopped, its lanes are left, and the outcome `cancelled` names the person.
    """
    content = decider.api.cancel(story, decider.person, decider.comment)
    view = _ended(decider.api, story)
    if decider.as_json:
        print_json({**content, "story": view})
    else:
        print(f"{story}: {view['outcome']}. {' '.join(view['reasons'])}".rstrip())
    if view["outcome"] != "cancelled":
        raise typer.Exit(1)


def _ended(api: Api, story: str) -> dict[str, Any]:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        view: dict[str, Any] | None = api.find(f"/api/status/{segment(story)}")
        if view and view["ended"]:
            return view
        time.sleep(0.2)
    text = f"{story} ends when its present step ends. `mlopsctl show {story}` shows where it is."
    raise ApiError("TIMEOUT", f"The cancellation is recorded, but {text}")
