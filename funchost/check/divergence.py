"""Replays a stored history with today's code and compares the two; no activity runs.

In memory, a live orchestration is fed only its new events, so that a change of its code or a random
number in it is not noticed. Azure replays the whole history at each turn and fails there.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from funchost.app.versions import MISMATCH
from funchost.durable import history as h
from funchost.durable.actions import Job, Walk
from funchost.durable.execution import Instance, execution
from funchost.durable.turn import FunctionMap

NON_DETERMINISTIC = "Non-Deterministic workflow detected"
CONTINUED = "ContinuedAsNew"  # the status of an execution after which another one began
_ENDED = ("Completed", "Failed")
MOST = 400  # characters


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A stored execution: its status, its output as JSON text, and its whole history.

    The output of one that is CONTINUED is the input of the next one. `custom` is the custom status
    as JSON text, None when it is not known or empty.
    """

    instance: Instance
    status: str
    output: str | None
    events: list[h.Event]
    custom: str | None = None


class _ComparingWalk(Walk):
    """Also compares data that the host ignores.

    These are the inputs of tasks, the ids of children and entities, and the times of timers.
    """

    difference: str | None = None

    def _schedule(self, kind: int, **keys: object) -> tuple[int, Job]:
        number, known = self._next, self._known.get(self._next)
        scheduled = super()._schedule(kind, **keys)
        if known is not None and "Input" in keys and known.get("Input") != keys["Input"]:
            given, stored = repr(keys["Input"]), repr(known.get("Input"))
            self._differ(f"task {number}, {keys['Name']}, gets {given}; it was {stored}")
        stored_id, given_id = known and known.get("InstanceId"), keys.get("InstanceId")
        # The form of the ids that the host makes has changed, and a rewind may change such an id.
        if (
            stored_id
            and stored_id != given_id
            and not str(given_id).startswith(f"{self.execution}:")
        ):
            self._differ(f"task {number} is for {given_id}; it was for {stored_id}")
        return scheduled

    def _timer(self, fire_at: datetime, action: dict[str, object]) -> Job:
        known = self._known.get(self._next)
        # A pause before a retry has no action; it depends on a setting of the host.
        due = h.stamp(fire_at)
        if action and known is not None and known.get("FireAt", due) != due:
            self._differ(f"task {self._next}, a timer, is due {due}; it was {known['FireAt']}")
        return super()._timer(fire_at, action)

    def _differ(self, text: str) -> None:
        self.difference = self.difference or _shorten(text)


def divergence(functions: FunctionMap, recorded: Recorded, *, inputs: bool = True) -> str | None:
    """Return how the code leaves the history, with the step; None when both agree.

    `inputs` also compares inputs and due times, which differ when the code uses random numbers or
    its own clock. Azure does not compare them, so a change of code may change them while instances
    run.
    """
    events = [{**event, "IsPlayed": True} for event in _taken(recorded.events)]
    if not events:
        return None
    # The SDK takes the events after the last start of a turn for new ones, and the code logs then.
    events.append({**events[0], "EventType": h.ORCHESTRATOR_STARTED, "EventId": -1})
    one = recorded.instance
    run = execution(functions, one, replays=False)
    walk = run.walk = _ComparingWalk(one.id, one.execution, one.retry_scale)
    run.run(events, [])
    failed = run.failure is not None
    if failed and (recorded.status != "Failed" or _is_new(str(run.failure), recorded.output)):
        return _shorten(str(run.failure).splitlines()[0].strip())
    if walk.new:
        names = ", ".join(str(event.get("Name") or "a timer") for event in walk.new)
        return _shorten(f"it goes on with {names}; the history does not")
    if inputs and walk.difference is not None:
        return walk.difference
    if inputs and recorded.status in _ENDED and (step := _other_status(recorded, run.custom)):
        return step
    if recorded.status == CONTINUED or (walk.continues and not failed):
        return _other_continuation(recorded, walk, inputs=inputs)
    if recorded.status in _ENDED and not failed:
        return _other_end(recorded, run.result, ended=run.done)
    return None


def _taken(events: list[h.Event]) -> list[h.Event]:
    """Return the events that the code took: none after a suspension without a resumption."""
    pauses = (h.EXECUTION_SUSPENDED, h.EXECUTION_RESUMED)
    last = max((n for n, e in enumerate(events) if e["EventType"] in pauses), default=None)
    if last is None or events[last]["EventType"] == h.EXECUTION_RESUMED:
        return events
    return events[:last]


def _other_continuation(recorded: Recorded, walk: Walk, *, inputs: bool) -> str | None:
    if recorded.status != CONTINUED:
        return "it continues as new; the history does not"
    if not (walk.continues and walk.finished):
        return "it does not continue as new at the end of its history"
    following, following_before = walk.continue_input, recorded.output
    if inputs and following != following_before:
        return _shorten(f"it continues as new with {following!r}; it was {following_before!r}")
    return None


def _other_status(recorded: Recorded, custom: str | None) -> str | None:
    """Return how the last custom status differs, None when both agree or one is empty.

    An earlier version of the host kept a status that the code had cleared.
    """
    if custom is None or recorded.custom is None:
        return None
    status, status_before = json.loads(custom), json.loads(recorded.custom)
    if status == status_before:
        return None
    return _shorten(f"it sets the custom status {status!r}; it was {status_before!r}")


def _other_end(recorded: Recorded, result: str, *, ended: bool) -> str | None:
    if not ended:
        return "it waits at the end of its history"
    if recorded.status == "Failed":
        if MISMATCH in (recorded.output or ""):
            return None  # the host failed it because of its version
        return "it ends without the error of its history"
    output, expected = json.loads(result), json.loads(recorded.output or "null")
    return None if output == expected else _shorten(f"it returns {output!r}; it was {expected!r}")


def _is_new(failure: str, output: str | None) -> bool:
    """Return whether a failed instance failed for another reason than this divergence."""
    return NON_DETERMINISTIC in failure and NON_DETERMINISTIC not in (output or "")


def _shorten(text: str) -> str:
    """Return a text of at most MOST characters, for one line of a log."""
    return text if len(text) <= MOST else text[: MOST - 1] + "…"
