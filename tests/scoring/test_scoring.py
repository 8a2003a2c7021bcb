import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from function_app.adapters.local.reach.processes import free_port
from tests.funchost.conftest import until
from tests.patience import PATIENCE
from tests.scoring.keys import CALLER, KEYS


@pytest.fixture(scope="module")
def url(model: Path) -> Iterator[str]:
    port = free_port()
    command = [sys.executable, "-m", "scoring", "--model", str(model), "--port", str(port)]
    process = subprocess.Popen(command, env={**KEYS, "IMAGE_DIGEST": "sha256:aa"})
    address = f"http://127.0.0.1:{port}"

    def healthy() -> bool:
        try:
            return httpx.get(f"{address}/healthz").status_code == 200
        except httpx.TransportError:
            return False

    until(healthy, "the server")
    yield address
    process.terminate()
    process.wait(PATIENCE)


def test_golden_rows_are_answered_as_offline(url: str, model: Path) -> None:
    golden = json.loads((model / "golden.json").read_text())

    answer = httpx.post(f"{url}/score", json={"data": golden["data"]}, headers=CALLER)

    assert answer.json()["result"] == pytest.approx(golden["result"], abs=1e-9)


def test_health_names_the_image(url: str) -> None:
    assert httpx.get(f"{url}/healthz").json() == {"status": "ok", "image": "sha256:aa"}


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b'{"data": []}',
        b'{"data": [[1, 2]]}',
        b'{"data": [1]}',
        json.dumps({"data": [["x"] * 10]}).encode(),
        json.dumps({"data": [[True] * 10]}).encode(),
        b'{"data": [[NaN,1,1,1,1,1,1,1,1,1]]}',
        b'{"data": [[1' + b"0" * 400 + b",1,1,1,1,1,1,1,1,1]]}",
        b'{"data": ' + b"[" * 5000 + b"]" * 5000 + b"}",
    ],
)
def test_a_request_that_cannot_be_scored_is_a_400_with_the_reason(url: str, body: bytes) -> None:
    answer = httpx.post(f"{url}/score", content=body, headers=CALLER)

    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "BAD_INPUT"


def test_the_service_describes_itself(url: str) -> None:
    document: dict[str, Any] = httpx.get(f"{url}/openapi.json", headers=CALLER).json()

    assert set(document["paths"]) == {"/score", "/healthz", "/metrics"}


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "scoring", "--model", str(tmp_path), "--port", "1"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)

    assert ended.returncode == 2
    assert "holds no model that can be served" in ended.stderr


def test_a_body_that_does_not_unpack_is_a_400(url: str) -> None:
    headers = {**CALLER, "Content-Encoding": "gzip"}

    answer = httpx.post(f"{url}/score", content=b"0123456789", headers=headers)

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "BAD_INPUT")
