#!/usr/bin/env bash
# An event raised by the Python client arrives as text, over HTTP as an object.
#
# Package: azure-functions-durable 1.7.0 with azure-functions 1.26.0, Python 3.11 or 3.12.
# Guess: `client.raise_event(id, name, {...})` and a POST of the same JSON to the instance's
#   `sendEventPostUri` give the orchestrator the same value.
# Behaviour: the client encodes the value to JSON twice, so that its POST body is a JSON string
#   that holds JSON. An orchestrator gets a dictionary from whoever posts to the address, and a
#   `str` from the Python client: `decision['approved']` works for the first and fails for the
#   second. Parse the value when it is a `str`.
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
cat > event.py <<'PYTHON'
import asyncio
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import azure.durable_functions as df

BEGIN = "2026-01-01T00:00:00.000000Z"
DECISION = {"approved": True}
bodies = []


class Host(BaseHTTPRequestHandler):
    def do_POST(self):
        bodies.append(self.rfile.read(int(self.headers["content-length"])).decode())
        self.send_response(202)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *arguments):
        pass


def orchestrator(context):
    decision = yield context.wait_for_external_event("decision")
    return type(decision).__name__


def event(kind, **more):
    return {"EventType": kind, "EventId": -1, "IsPlayed": False, "Timestamp": BEGIN, **more}


def arrives_as(body):
    """Return the type of the value when the host stores the body of the request as the event."""
    document = {
        "history": [event(12), event(0, Name="orchestrator", Input="null", Version=""), event(13),
                    event(12), event(15, Name="decision", Input=body)],
        "input": None, "instanceId": "one", "isReplaying": False, "parentInstanceId": None,
        "upperSchemaVersion": 1, "upperSchemaVersionNew": 2,
    }
    return json.loads(df.Orchestrator.create(orchestrator)(json.dumps(document)))["output"]


server = ThreadingHTTPServer(("127.0.0.1", 0), Host)
threading.Thread(target=server.serve_forever, daemon=True).start()
base = f"http://127.0.0.1:{server.server_port}/runtime/webhooks/durabletask"
names = ("id", "statusQueryGetUri", "sendEventPostUri", "terminatePostUri", "rewindPostUri",
         "purgeHistoryDeleteUri", "suspendPostUri", "resumePostUri", "restartPostUri")
client = df.DurableOrchestrationClient(json.dumps({
    "taskHubName": "hub", "baseUrl": base, "rpcBaseUrl": base + "/",
    "requiredQueryStringParameters": "", "creationUrls": {"createNewInstancePostUri": base},
    "managementUrls": dict.fromkeys(names, base),
}))
asyncio.run(client.raise_event("one", "decision", DECISION))
posted = json.dumps(DECISION)
print("posted over HTTP:", posted, "->", arrives_as(posted))
print("by the client:   ", bodies[0], "->", arrives_as(bodies[0]))
if (arrives_as(posted), arrives_as(bodies[0])) == ("dict", "str"):
    print("As found: the same value is a dict for one sender and a str for the other.")
    sys.exit(0)
print("It behaves otherwise now.")
sys.exit(1)
PYTHON
"$folder/venv/bin/python" -W ignore event.py
