"""Follows a story and reports each step of its trail once, with its duration."""

import time
from collections.abc import Callable
from datetime import datetime
from itertools import pairwise
from typing import Any

from mlopsctl.reach.client import Api, ApiError, segment

Tell = Callable[[str, float, str], None]


def follow(
    api: Api,
    instance_id: str,
    tell: Tell,
    *,
    reported_steps: int = 0,
    until_step: str | None = None,
    seconds: float = 900,
) -> tuple[dict[str, Any], int]:
    """Return the story when it has ended or shows `until_step`, and the number of reported steps.

    ApiError when the story shows nothing new for so many seconds. A step takes half a minute on a
    quiet machine and several on a busy one, so each new step begins the time again.
    """
    end, before = time.monotonic() + seconds, dict[str, Any]()
    shown: dict[str, Any] = {}
    while time.monotonic() < end:
        view: dict[str, Any] | None = api.find(f"/api/status/{segment(instance_id)}")
        if view:
            shown = view["step"] or {}
            if shown != before:
                end, before = time.monotonic() + seconds, shown
            trail = shown.get("trail", [])
            for begun, next_one in pairwise(trail[reported_steps:]):
                seconds_taken = _seconds(begun["at"], next_one["at"])
                tell(begun["step"], seconds_taken, begun.get("runtime", ""))
                reported_steps += 1
            if view["ended"] or (until_step and shown.get("step") == until_step):
                facts = [f"{k} {v}" for k, v in shown.items() if k not in ("step", "trail")]
                tell(f"[bold]{shown.get('step', view['status'])}[/bold]", 0.0, " · ".join(facts))
                return view, reported_steps
        time.sleep(0.1)
    step = shown.get("step", "its start")
    text = f"{instance_id} is still at {step!r}; its status did not change for {seconds:.0f} s."
    raise ApiError("TIMEOUT", f"{text} `mlopsctl show {instance_id}` has its latest state.")


def _seconds(begin: str, end: str) -> float:
    return (datetime.fromisoformat(end) - datetime.fromisoformat(begin)).total_seconds()
