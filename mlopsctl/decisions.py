"""What people decide: approve, reject, roll back, take production down, cancel."""

import time
from typing import Annotated, Any

import typer

from mlopsctl import screens
from mlopsctl.client import Api, ApiError, segment
from mlopsctl.connection import STATE, Json, State, Url, connect, print_json

Person = Annotated[str, typer.Option("--as", help="Whose token to send.")]
Comment = Annotated[str, typer.Option(help="Why; it is kept with the decision.")]
PATIENCE = 120.0


def _decide(verb: str, release_id: str, comment: str, person: str, api: Api, raw: bool) -> None:
    release = api.get(f"/api/releases/{segment(release_id)}")
    if not raw:
        for line in release_lines(release):
            screens.console().print(line, soft_wrap=True, markup=False)
    content = api.decide(release, verb, person, comment)
    if raw:
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


def approve(
    release_id: str,
    comment: Comment = "",
    person: Person = "ada",
    url: Url = "",
    state: State = STATE,
    as_json: Json = False,
) -> None:
    """Show a release with its evidence and approve exactly that."""
    _decide("approve", release_id, comment, person, connect(url, state), as_json)


def reject(
    release_id: str,
    comment: Comment = "",
    person: Person = "ada",
    url: Url = "",
    state: State = STATE,
    as_json: Json = False,
) -> None:
    """Show a release with its evidence and reject it."""
    _decide("reject", release_id, comment, person, connect(url, state), as_json)


def withdraw(
    release_id: str,
    comment: Comment = "",
    person: Person = "ada",
    url: Url = "",
    state: State = STATE,
    as_json: Json = False,
) -> None:
    """Withdraw your approval of a release; possible until its promotion begins."""
    content = connect(url, state).withdraw(release_id, person, comment)
    if as_json:
        return print_json(content)
    return print(f"{person} withdrew the approval of {release_id}: {content['approvals']}.")


def roll_back(
    model: str,
    comment: Comment = "",
    person: Person = "ada",
    url: Url = "",
    state: State = STATE,
    as_json: Json = False,
) -> None:
    """Give production back to the release before the present one."""
    content = connect(url, state).roll_back(model, person, comment)
    if as_json:
        return print_json(content)
    return print(f"{content['instance_id']} rolls {model} back to version {content['to_version']}")


def shutdown(
    model: str,
    comment: Comment = "",
    person: Person = "ada",
    url: Url = "",
    state: State = STATE,
    as_json: Json = False,
) -> None:
    """Take production of a model down; it answers no request until the next promotion."""
    content = connect(url, state).shutdown(model, person, comment)
    if as_json:
        return print_json(content)
    return print(f"{content['instance_id']} takes production of {model} down")


def cancel(
    story: Annotated[str, typer.Argument(metavar="ID", help="A training or a release.")],
    comment: Comment = "",
    person: Person = "ada",
    url: Url = "",
    state: State = STATE,
    as_json: Json = False,
) -> None:
    """Cancel a training or a release that is under way, and wait until it has ended.

    Its run is stopped, its lanes are left, and the outcome `cancelled` names the person.
    """
    api = connect(url, state)
    content = api.cancel(story, person, comment)
    view = _ended(api, story)
    if as_json:
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
