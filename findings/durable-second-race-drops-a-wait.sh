#!/usr/bin/env bash
# A second race over the same external event tells the host to wait for the timer only.
#
# Package: azure-functions-durable 1.7.0 with azure-functions 1.26.0, Python 3.11 or 3.12.
# Guess: each `task_any([event, timer])` names both tasks to the host, so that the event ends it.
# Behaviour: a task that an earlier `task_any` named is left out of the later one's action. The host
#   then races over the new timer alone: an event that comes meanwhile is acted on when that timer
#   fires, which may be an hour later. A wait with a new name in each race is named to the host.
# Exits 0 while it is so, 1 when a later release behaves as guessed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python=""
for candidate in python3.12 python3.11 python3; do
    if command -v "$candidate" >/dev/null && "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null; then
        python=$candidate
        break
    fi
done
[ -n "$python" ] || { echo "This finding needs Python 3.11 or 3.12."; exit 2; }
"$python" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    azure-functions==1.26.0 azure-functions-durable==1.7.0
cd "$folder"
cat > race.py <<'PYTHON'
import json
import sys
from datetime import datetime, timedelta, timezone

import azure.durable_functions as df

NAMES = {5: "timer", 6: "event"}
BEGIN = datetime(2026, 1, 1, tzinfo=timezone.utc)


def stamp(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def races(new_name):
    """Race an event against an hour, twice; return the kinds of tasks that each race names."""

    def orchestrator(context):
        event = context.wait_for_external_event("decision")
        for number in range(2):
            if new_name and number:
                event = context.wait_for_external_event(f"decision-{number}")
            timer = context.create_timer(context.current_utc_datetime + timedelta(hours=1))
            yield context.task_any([event, timer])

    def event(kind, moment, **more):
        return {"EventType": kind, "EventId": -1, "IsPlayed": False, "Timestamp": stamp(moment), **more}

    later = BEGIN + timedelta(hours=1)
    history = [
        event(12, BEGIN),
        event(0, BEGIN, Name="orchestrator", Input="null", Version=""),
        {**event(10, BEGIN, FireAt=stamp(later)), "EventId": 0},
        event(13, BEGIN),
        event(12, later),
        event(11, later, TimerId=0, FireAt=stamp(later)),
    ]
    document = {
        "history": history, "input": None, "instanceId": "one", "isReplaying": False,
        "parentInstanceId": None, "upperSchemaVersion": 1, "upperSchemaVersionNew": 2,
    }
    state = json.loads(df.Orchestrator.create(orchestrator)(json.dumps(document)))
    return [sorted(NAMES[a["actionType"]] for a in action["compoundActions"]) for action in state["actions"][0]]


same, fresh = races(new_name=False), races(new_name=True)
print("one wait in both races:  first", same[0], " second", same[1])
print("a new name in each race: first", fresh[0], " second", fresh[1])
if same == [["event", "timer"], ["timer"]] and fresh == [["event", "timer"]] * 2:
    print("As found: the second race does not name the event to the host.")
    sys.exit(0)
print("It behaves otherwise now.")
sys.exit(1)
PYTHON
"$folder/venv/bin/python" -W ignore race.py
