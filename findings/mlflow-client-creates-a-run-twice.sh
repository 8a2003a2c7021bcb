#!/usr/bin/env bash
# MLflow's client sends the creation of a run again, so that one call makes two runs.
#
# Package: mlflow-skinny 3.17.2, Python 3.11 or 3.12.
# Guess: creating a run is a POST that is not idempotent, so that the client does not send it
#   again after an error of the gateway; or it sends an id by which the server knows the
#   repetition.
# Behaviour: after a 503 (also 500, 502, 504, 429, 408) the client posts `runs/create` again with
#   nothing that ties the two together. Where the server had made the run and only its answer was
#   lost, two runs exist: the first one stays RUNNING for ever and counts in every search. A
#   caller that needs one run must tag it with a key of its own and search for that key first.
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
    mlflow-skinny==3.17.2
cd "$folder"
cat > runs.py <<'PYTHON'
import json
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

os.environ.update(
    MLFLOW_HTTP_REQUEST_MAX_RETRIES="2", MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR="0",
    MLFLOW_HTTP_REQUEST_BACKOFF_JITTER="0",
)
from mlflow.tracking import MlflowClient  # noqa: E402

runs, requests = [], []


class Gateway(BaseHTTPRequestHandler):
    """A tracking server behind a gateway that loses the answer to the first creation."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        requests.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        runs.append(f"run-{len(runs) + 1}")
        info = {"run_id": runs[-1], "experiment_id": "0", "status": "RUNNING", "start_time": 1,
                "lifecycle_stage": "active"}
        lost = len(runs) == 1
        body = b"{}" if lost else json.dumps({"run": {"info": info, "data": {}}}).encode()
        self.send_response(503 if lost else 200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Gateway)
threading.Thread(target=server.serve_forever, daemon=True).start()
run = MlflowClient(f"http://127.0.0.1:{server.server_port}").create_run("0", start_time=1)
print("the client returned", run.info.run_id, "and the server made", *runs)
print("both requests are equal:", len(requests) == 2 and requests[0] == requests[1])
if runs == ["run-1", "run-2"] and requests[0] == requests[1]:
    print("As found: one call made two runs.")
    sys.exit(0)
print("It behaves otherwise now.")
sys.exit(1)
PYTHON
"$folder/venv/bin/python" -W ignore runs.py
