"""mlopsctl reproduce: train a version again, compare the bytes, and name the input that differs."""

import sys
import time
from typing import Annotated

import typer

from mlopsctl.reach.client import Api, ApiError, Content, segment
from mlopsctl.reach.connection import STATE, Json, State, Url, connect, print_json
from mlopsctl.versions.explain import VersionName, version_path

SAME, DIFFERENT, IMPOSSIBLE = 0, 1, 2
_CODES = {"same": SAME, "different": DIFFERENT}
_PAUSE = 1.0  # seconds between two requests for the state of the story
Wait = Annotated[bool, typer.Option(help="Wait for the end; else print the id of the story.")]


def reproduce(
    name: VersionName,
    wait: Wait = True,
    url: Url = "",
    state: State = STATE,
    as_json: Json = False,
) -> None:
    """Train a version again from its recorded inputs and compare both models.

    Nothing is registered. The exit code is 0 for the same bytes, 1 for other bytes, and 2 when the
    version cannot be trained again. On Azure the training and the comparison are jobs in Azure ML.
    """
    try:
        api = connect(url, state)
        instance_id = api.post(f"{version_path(name)}/reproduction")["instance_id"]
        if not wait:
            print(instance_id)
            return
        story = ended(api, instance_id)
    except ApiError as error:
        print(f"mlopsctl: {error}", file=sys.stderr)
        raise typer.Exit(IMPOSSIBLE) from error
    if as_json:
        print_json(story)
    else:
        print("\n".join(lines(story)))
    raise typer.Exit(_CODES.get(story["outcome"], IMPOSSIBLE))


def ended(api: Api, instance_id: str) -> Content:
    """Return the story once it ended; its steps are printed to stderr as they begin."""
    shown = ""
    while True:
        story: Content = api.get(f"/api/status/{segment(instance_id)}")
        step = str((story["step"] or {}).get("step") or "")
        if step and step != shown and not story["ended"]:
            print(f"{step} ...", file=sys.stderr, flush=True)
            shown = step
        if story["ended"]:
            return story
        time.sleep(_PAUSE)


def lines(story: Content) -> list[str]:
    """Return the outcome and the reasons as lines."""
    return [story["outcome"], *(f"  {reason}" for reason in story["reasons"])]
