#!/usr/bin/env bash
# One event that comes early answers every later wait of its name.
#
# Package: azure-functions-durable 1.7.0 with azure-functions 1.26.0, Python 3.11 or 3.12.
# Guess: an external event is consumed by one wait, as it is when the event comes after its wait
#   began.
# Behaviour: an event that comes while an activity runs, before the story waits for it, is kept
#   for the name and never removed. The first wait takes it, and so does each later wait of that
#   name: a decision about the first build also answers for the second one. A wait needs a name of
#   its own, or the event must say which question it answers.
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
cat > early.py <<'PYTHON'
import json
import sys

import azure.durable_functions as df

BEGIN = "2026-01-01T00:00:00.000000Z"


def orchestrator(context):
    decisions = []
    for number in (1, 2):
        yield context.call_activity("build", number)
        decisions.append((yield context.wait_for_external_event("decision")))
    return decisions


def event(kind, **more):
    return {"EventType": kind, "EventId": -1, "IsPlayed": False, "Timestamp": BEGIN, **more}


def play(history):
    """Return (whether the story has ended, its output) after a history."""
    document = {
        "history": history, "input": None, "instanceId": "one", "isReplaying": False,
        "parentInstanceId": None, "upperSchemaVersion": 1, "upperSchemaVersionNew": 2,
    }
    answer = json.loads(df.Orchestrator.create(orchestrator)(json.dumps(document)))
    return answer["isDone"], answer.get("output")


start = [event(12), event(0, Name="orchestrator", Input="null", Version=""),
         event(4, EventId=0, Name="build"), event(13)]
first_built = event(5, TaskScheduledId=0, Result="null")
second_asked, turn = event(4, EventId=2, Name="build"), event(12)
second_built = event(5, TaskScheduledId=2, Result="null")
decision = event(15, Name="decision", Input='"about the first"')

# The event comes after the wait for it began; the number of the second activity counts that wait.
late = play([*start, turn, first_built, event(13), turn, decision, second_asked, event(13),
             turn, second_built])
# The event comes beside the end of the first build, so the story does not wait for it yet.
start_early = event(4, EventId=1, Name="build"), event(5, TaskScheduledId=1, Result="null")
early = play([*start, turn, decision, first_built, start_early[0], event(13), turn, start_early[1]])
print("one event, after its wait: ended", *late)
print("one event, before its wait: ended", *early)
if not late[0] and early == (True, ["about the first", "about the first"]):
    print("As found: one early event answered both waits.")
    sys.exit(0)
print("It behaves otherwise now.")
sys.exit(1)
PYTHON
"$folder/venv/bin/python" -W ignore early.py
