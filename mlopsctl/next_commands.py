"""The next useful commands for a story, release, run or event that `mlopsctl show` prints."""

from collections.abc import Sequence
from typing import Any

_RETRIED = ("train_model", "release_model", "integrate_change")
_STARTED_ANEW = {"reconcile": "mlopsctl reconcile", "ensure_platform": "mlopsctl provision"}
_LOST = ("failed", "rejected", "expired", "cancelled", "terminated", "rolled_back")


def next_commands(known: dict[str, Any], name: str, people: Sequence[str] = ()) -> list[str]:
    """Return the commands that make sense next for this story, release, run or event.

    `people` are the names for which the user has tokens: with several, a decision must name one.
    """
    commands: list[str] = []
    release, story, run, event = (known[k] for k in ("release", "story", "run", "event"))
    if release and release["status"] == "awaiting_approval":
        may = [person for person in people if person in release.get("may_approve", people)]
        whose = f" --as {may[0]}" if may and len(people) > 1 else ""
        commands += [
            f'mlopsctl {verb} {name} --comment "..."{whose}' for verb in ("approve", "reject")
        ]
    if release and release.get("approved_by") and release["status"] == "awaiting_approval":
        commands.append(f"mlopsctl withdraw {name} --as {release['approved_by'][0]}")
    if release and release["status"] == "promoted":
        commands.append(f"mlopsctl endpoint {release['model']}")
    if story:
        commands += _of_story(story, name, people)
    elif release and release["status"] in _LOST:
        commands.append(f"mlopsctl train {release['model']}")
    if run and f"mlopsctl logs {name}" not in commands:
        commands.append(f"mlopsctl logs {name}")
    if event and event["outcome"] == "refused":
        commands += [f"mlopsctl retry {name}", f"mlopsctl events discard {name}"]
    if event:
        commands += [f"mlopsctl show {owner}" for owner in event["instance_ids"]]
    return commands


def _of_story(story: dict[str, Any], name: str, people: Sequence[str]) -> list[str]:
    commands = []
    run = story["facts"].get("run") or (story["step"] or {}).get("run_id")
    if run:
        commands.append(f"mlopsctl logs {run}")
    if story.get("can_be_cancelled"):
        whose = f" --as {people[0]}" if len(people) > 1 else ""
        commands.append(f'mlopsctl cancel {name} --comment "..."{whose}')
    if story["outcome"] in _LOST and story["story"] in _RETRIED:
        commands.append(f"mlopsctl retry {name}")
    if story["outcome"] == "failed" and story["story"] in _STARTED_ANEW:
        commands.append(_STARTED_ANEW[story["story"]])
    if story["outcome"] == "registered":
        version = story["facts"].get("version")
        commands.append(f"mlopsctl show release-{story['facts'].get('model')}-{version}")
    return commands
