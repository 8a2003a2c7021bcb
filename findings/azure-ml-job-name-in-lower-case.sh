#!/usr/bin/env bash
# Azure ML's `command()` writes the name of a job in lower case, and `CommandJob` is refused.
#
# Package: azure-ai-ml 1.35.2, Python 3.11 or 3.12.
# Guess: `command(name="nightly-20261201T0133", ...)` makes a job of this name, as the service
#   allows capital letters, and `jobs.get` finds it under the name that the caller chose.
#   `CommandJob` is the exported class of such a job, and `jobs.create_or_update` takes it.
# Behaviour: the function returns the node of a pipeline, whose name becomes
#   "nightly-20261201t0133" with a line in the log. Code that names runs by time or by commit and
#   reads them by that name looks for another name than was submitted. `CommandJob` keeps the
#   name, but `create_or_update` raises "Non supported job type" for it before any request.
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
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check azure-ai-ml==1.35.2
cd "$folder"
cat > names.py <<'PYTHON'
import sys

from azure.ai.ml import MLClient, command
from azure.ai.ml.entities import CommandJob
from azure.core.credentials import AccessToken

NAME = "nightly-20261201T0133"
GIVEN = {"name": NAME, "command": "echo", "environment": "azureml:e:1", "compute": "c"}


class Token:
    def get_token(self, *scopes, **options):
        return AccessToken("token", 2**31)


jobs = MLClient(Token(), "00000000", "group", "workspace", show_progress=False).jobs
made, job = command(**GIVEN), CommandJob(**GIVEN)
print("given:     ", NAME)
print("command:   ", made.name)
print("CommandJob:", job.name)
try:
    jobs.create_or_update(job)
    refused = ""
except Exception as error:  # the SDK raises its own kind of error
    refused = next((line for line in str(error).splitlines() if "job type" in line), "")
print("create_or_update(CommandJob):", refused)
if (made.name, job.name) == (NAME.lower(), NAME) and "Non supported job type" in refused:
    print("As found: the only job that can be submitted has another name than was given.")
    sys.exit(0)
print("It behaves otherwise now.")
sys.exit(1)
PYTHON
"$folder/venv/bin/python" -W ignore names.py
