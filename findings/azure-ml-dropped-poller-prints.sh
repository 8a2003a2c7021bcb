#!/usr/bin/env bash
# A long operation of Azure ML whose poller is dropped goes on polling and prints dots.
#
# Packages: azure-ai-ml 1.35.2, azure-core 1.41.0, Python 3.11 or 3.12.
# Guess: `MLClient.online_endpoints.begin_delete(name)` sends one request. A caller that neither
#   keeps the poller nor asks for its result, because it reads the state later by itself, causes no
#   further request, and the library reports to `logging`, never to standard output.
# Behaviour: a thread polls the operation to its end, and prints "." without a line feed to
#   standard output at each poll. Lines that another thread prints meanwhile begin with dots: of a
#   program whose output is read by lines, single lines change.
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
    azure-ai-ml==1.35.2 azure-core==1.41.0
cd "$folder"
cat > poll.py <<'PYTHON'
import contextlib
import io
import json
import sys
import threading
import time

from azure.ai.ml import MLClient
from azure.core.credentials import AccessToken
from azure.core.pipeline.transport import RequestsTransport
import requests
import urllib3

ENDS = 4  # polls after which the operation has ended
polls = []


class Token:
    def get_token(self, *scopes, **options):
        return AccessToken("token", int(time.time()) + 3600)


class Azure(requests.adapters.BaseAdapter):
    """Answers as Azure Resource Manager does; an operation ends at its fourth poll."""

    def close(self):
        pass

    def send(self, request, **options):
        status, headers, content = self.answer(request)
        response = requests.Response()
        response.status_code, response.url, response.request = status, request.url, request
        response.headers.update({"content-type": "application/json", **headers})
        response.raw = urllib3.HTTPResponse(
            body=io.BytesIO(json.dumps(content).encode()), preload_content=False
        )
        return response

    def answer(self, request):
        if "/operations/1" in request.url:
            polls.append(threading.current_thread())
            state = "Succeeded" if len(polls) >= ENDS else "InProgress"
            return 200, {"retry-after": "0"}, {"status": state}
        if "/onlineEndpoints/" in request.url:
            headers = {"retry-after": "0"}
            if request.method == "DELETE":
                url = "https://management.azure.com/operations/1"
                headers |= {"azure-asyncoperation": url, "location": url}
            content = {
                "id": request.url, "name": "scores", "location": "westeurope", "tags": {},
                "identity": {"type": "SystemAssigned"},
                "properties": {"authMode": "Key", "provisioningState": "Creating"},
            }
            return 202 if request.method == "DELETE" else 200, headers, content
        return 200, {}, {"id": request.url, "name": "w", "location": "westeurope", "properties": {}}


session = requests.Session()
session.mount("https://", Azure())
client = MLClient(Token(), "s", "g", "w", transport=RequestsTransport(session=session))
printed = io.StringIO()
with contextlib.redirect_stdout(printed):
    client.online_endpoints.begin_delete("scores")
    # The poller is not kept, and its result is not asked for.
    end = time.monotonic() + 120
    while len(polls) < ENDS and time.monotonic() < end:
        time.sleep(0.1)
    time.sleep(1)
own = threading.current_thread() in polls
print(f"polls of the dropped poller: {len(polls)}, by this thread: {own}")
print(f"printed to standard output: {printed.getvalue()!r}")
if len(polls) == ENDS and not own and printed.getvalue() == "." * ENDS:
    print("As found: a thread goes on polling and prints a dot at each poll.")
    sys.exit(0)
print("It behaves otherwise now.")
sys.exit(1)
PYTHON
"$folder/venv/bin/python" -W ignore poll.py
