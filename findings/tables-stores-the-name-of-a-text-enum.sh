#!/usr/bin/env bash
# Azure Tables stores a text enum as the name of its member, not as its text.
#
# Package: azure-data-tables 12.7.0, Python 3.11 or 3.12.
# Guess: a member of `class State(str, Enum)` is a `str`, so that it is stored as its text, as
#   `json.dumps` writes it; a member of an `IntEnum` is stored as a number.
# Behaviour: `State.OPEN`, whose text is 'open', is stored as the text 'State.OPEN', and a member
#   of an `IntEnum` as a text of digits. A filter `state eq 'open'` then finds no row, and a
#   reader gets another value than was written. Pass `.value`.
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
    azure-data-tables==12.7.0
cd "$folder"
cat > tables.py <<'PYTHON'
import enum
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from azure.core.credentials import AzureNamedKeyCredential
from azure.data.tables import TableClient

bodies = []


class State(str, enum.Enum):
    OPEN = "open"


class Level(enum.IntEnum):
    HIGH = 3


class Service(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_PATCH(self):
        bodies.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        self.send_response(204)
        self.send_header("etag", 'W/"1"')
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *arguments):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
threading.Thread(target=server.serve_forever, daemon=True).start()
table = TableClient(f"http://127.0.0.1:{server.server_port}/account", "releases",
                    credential=AzureNamedKeyCredential("account", "YQ=="))
row = {"PartitionKey": "p", "RowKey": "r", "state": State.OPEN, "level": Level.HIGH}
table.upsert_entity(row)
sent = bodies[0]["state"], bodies[0]["level"]
print("json.dumps writes:", json.dumps([row["state"], row["level"]]))
print("the client sends: ", json.dumps(sent))
if sent == ("State.OPEN", "3"):
    print("As found: the name of the member is stored, and a number becomes a text.")
    sys.exit(0)
print("It behaves otherwise now.")
sys.exit(1)
PYTHON
"$folder/venv/bin/python" -W ignore tables.py
