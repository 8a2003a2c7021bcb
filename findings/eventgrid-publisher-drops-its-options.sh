#!/usr/bin/env bash
# The Event Grid publisher ignores the retry options that it is made with.
#
# Package: azure-eventgrid 4.22.1, Python 3.11 or 3.12.
# Guess: as with other Azure clients, `EventGridPublisherClient(endpoint, key, retry_total=0,
#   headers=..., user_agent=...)` sets the pipeline of each `send`.
# Behaviour: the constructor accepts these keywords and drops them: a send to a topic that answers
#   500 is tried four times in about five seconds, and the headers are not sent. The same
#   `retry_total=0` works as a keyword of `send`.
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
    azure-eventgrid==4.22.1
cd "$folder"
cat > publish.py <<'PYTHON'
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from azure.core.credentials import AzureKeyCredential
from azure.core.exceptions import HttpResponseError
from azure.eventgrid import EventGridEvent, EventGridPublisherClient

requests = []


class Topic(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        requests.append(self.headers.get("x-team"))
        self.send_response(500)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *arguments):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Topic)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}/api/events"
event = EventGridEvent(subject="s", event_type="t", data={}, data_version="1")


def send(of_client, of_send):
    """Return (number of requests, the header) of a send that the topic answers by 500."""
    requests.clear()
    try:
        EventGridPublisherClient(url, AzureKeyCredential("key"), **of_client).send(event, **of_send)
    except HttpResponseError:
        pass
    return len(requests), requests[0]


options = {"retry_total": 0, "headers": {"x-team": "mlops"}}
client, call = send(options, {}), send({}, options)
print("options of the constructor: requests, header =", *client)
print("options of the call:        requests, header =", *call)
if client == (4, None) and call == (1, "mlops"):
    print("As found: options of the constructor have no effect, options of the call have.")
    sys.exit(0)
print("It behaves otherwise now.")
sys.exit(1)
PYTHON
"$folder/venv/bin/python" -W ignore publish.py
