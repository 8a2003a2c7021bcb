#!/usr/bin/env bash
# An Event Grid event whose time has an offset never reaches the function.
#
# Package: azure-functions 1.26.0, Python 3.11 or 3.12.
# Guess: `eventTime` is an RFC 3339 time, so `2026-01-01T12:00:00+02:00` is as good as
#   `...T10:00:00Z`.
# Behaviour: the decoder of the trigger knows UTC only (Z or +00:00). Any other offset raises
#   ValueError while the event is decoded, before the function is called, so that the function can
#   neither handle nor store it. A sender must convert its times to UTC.
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
    azure-functions==1.26.0
cd "$folder"
cat > decode.py <<'PYTHON'
import json
import sys

from azure.functions import meta
from azure.functions.eventgrid import EventGridEventInConverter

EVENT = {"id": "1", "topic": "t", "subject": "s", "eventType": "e", "data": {}, "dataVersion": "1",
         "metadataVersion": "1"}


def decode(time):
    """Return the time that the function gets, or the name of the error."""
    datum = meta.Datum(json.dumps({**EVENT, "eventTime": time}), "json")
    try:
        event = EventGridEventInConverter.decode(datum, trigger_metadata=None)
    except ValueError as error:
        return type(error).__name__
    return event.event_time.isoformat()


times = ("2026-01-01T10:00:00Z", "2026-01-01T10:00:00.1234567+00:00", "2026-01-01T12:00:00+02:00")
answers = [decode(time) for time in times]
for time, answer in zip(times, answers):
    print(f"{time} -> {answer}")
if answers[2] == "ValueError" and "ValueError" not in answers[:2]:
    print("As found: only UTC is read; another offset of a valid time raises.")
    sys.exit(0)
print("It behaves otherwise now.")
sys.exit(1)
PYTHON
"$folder/venv/bin/python" -W ignore decode.py
