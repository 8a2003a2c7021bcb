"""What people decide: approve, reject, roll back, take production down, cancel."""

import time
from typing import Annotated, Any

import typer

from mlopsctl import screens
from mlopsctl.reach.client import Api, ApiError, segment
from mlopsctl.reach.connection import print_json
from mlopsctl.reach.options import Decider, decides

PATIENCE = 120.0


def _decide(verb: str, release_id: str, decider: Decider) -> None:
    release = decider.api.get(f"/api/releases/{segment(release_id)}")
    if not decider.as_json:
        for line in release_lines(release):
            screens.console().print(line, soft_wrap=True, markup=False)
    content = decider.api.decide(release, verb, decider.person, decider.comment)
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


def release_lines(release: dict[str, Any]) -> list[str]:
    """Return what a decision is about: model, version, image, origin, and the evidence."""
    lines = [f"{release['release_id']}: {release['model']} version {release['version']}"]
    for name in ("status", "approvals", "image_digest", "evidence_hash", "commit", "data", "run"):
        if release.get(name):
            lines.append(f"  {name.replace('_', ' '):<14}{release[name]}")
    return [*lines, *(f"  - {reason}" for reason in release.get("evidence") or ())]


@decides
def approve(decider: Decider, release_id: str) -> None:
    """Show a release with its evidence, and approve exactly this evidence."""
    _decide("approve", release_id, decider)


@decides
def reject(decider: Decider, release_id: str) -> None:
    """Show a release with its evidence, and reject it."""
    _decide("reject", release_id, decider)


@decides
def withdraw(decider: Decider, release_id: str) -> None:
    """Withdraw your approval of a release; this is possible until its promotion begins."""
    content = decider.api.withdraw(release_id, decider.person, decider.comment)
    if decider.as_json:
        return print_json(content)
    return print(f"{decider.person} withdrew the approval of {release_id}: {content['approvals']}.")


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
    text = f"{story} ends when its present step does. `mlopsctl show {story}` shows where it is."
    raise ApiError("TIMEOUT", f"The cancellation is recorded, but {text}")
