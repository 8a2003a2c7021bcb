#!/usr/bin/env bash
# A durable timer with a time of another zone fires hours late or early.
#
# Package: azure-functions-durable 1.7.0 with azure-functions 1.26.0, Python 3.11 or 3.12.
# Guess: `create_timer` takes any aware datetime and sends the moment that it names, in UTC.
# Behaviour: the clock face is sent and the letter Z is added: 12:00 at +02:00, which is 10:00
#   UTC, goes to the host as 12:00 UTC, two hours late. The SDK neither converts nor refuses. A
#   deadline that was read with an offset (from a policy, a calendar, an event) must be converted
#   by `astimezone(timezone.utc)` first.
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
cat > timer.py <<'PYTHON'
import json
import sys
from datetime import datetime, timedelta, timezone

import azure.durable_functions as df

BEGIN = "2026-01-01T00:00:00.000000Z"
MOMENT = datetime(2026, 1, 1, 10, tzinfo=timezone.utc)


def fire_at(moment):
    """Return the time that the host is told to fire at."""

    def orchestrator(context):
        yield context.create_timer(moment)

    def event(kind, **more):
        return {"EventType": kind, "EventId": -1, "IsPlayed": False, "Timestamp": BEGIN, **more}

    document = {
        "history": [event(12), event(0, Name="orchestrator", Input="null", Version="")],
        "input": None, "instanceId": "one", "isReplaying": False, "parentInstanceId": None,
        "upperSchemaVersion": 1, "upperSchemaVersionNew": 2,
    }
    answer = json.loads(df.Orchestrator.create(orchestrator)(json.dumps(document)))
    return answer["actions"][0][0]["fireAt"]


local = MOMENT.astimezone(timezone(timedelta(hours=2)))
assert local == MOMENT
print(f"{MOMENT.isoformat()} is sent as {fire_at(MOMENT)}")
print(f"{local.isoformat()} is sent as {fire_at(local)}")
if fire_at(MOMENT).startswith("2026-01-01T10:00") and fire_at(local).startswith("2026-01-01T12:00"):
    print("As found: the same moment, written with another offset, fires two hours later.")
    sys.exit(0)
print("It behaves otherwise now.")
sys.exit(1)
PYTHON
"$folder/venv/bin/python" -W ignore timer.py
