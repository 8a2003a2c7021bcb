"""`mlopsctl up --auth` asks for function keys, and the commands of its user send them."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx

from tests.mlopsctl.conftest import ROOT, Up


def test_the_routes_ask_for_a_key_and_the_commands_of_the_user_send_it(
    tmp_path: Path, start_up: Callable[..., Up]
) -> None:
    state = tmp_path / "state"
    url = start_up(state, "--auth", "--port", "0").announced()["url"]

    assert httpx.get(f"{url}/api/status").status_code == 401
    words = [sys.executable, "-m", "mlopsctl", "releases", "--json", "--state", str(state)]
    environ = {**os.environ, "MLOPS_URL": "", "MLOPS_KEY": ""}
    listed = subprocess.run(
        words, cwd=ROOT, env=environ, capture_output=True, text=True, check=False
    )
    assert json.loads(listed.stdout)["releases"] == [], listed.stderr
    published = state / "funchost" / "host.json"
    assert published.stat().st_mode & 0o077 == 0
    key = json.loads(published.read_text())["functionKey"]
    headers = {"x-functions-key": key}
    assert httpx.get(f"{url}/api/status", headers=headers).status_code == 200
    # The key opens functions, and no door of an administrator.
    assert httpx.get(f"{url}/admin/functions", headers=headers).status_code in (401, 403, 404)
