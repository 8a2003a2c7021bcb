"""The demo asks production also while its replicas start."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from mlopsctl.demo import ask_production
from mlopsctl.reach.client import ApiError

STARTING = (503, {"error": {"code": "NOT_SERVING", "message": "0 of 2 replicas are ready."}})
RIGHT = (200, {"result": [1.5]})


@contextmanager
def production(*answers: tuple[int, object]) -> Iterator[str]:
    """Serve these answers in turn; the last one stays."""
    left = list(answers)

    class Production(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            status, content = left.pop(0) if len(left) > 1 else left[0]
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Production)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/score"
    finally:
        server.shutdown()
        server.server_close()


def test_production_that_starts_is_asked_again_and_the_person_sees_why() -> None:
    said: list[str] = []
    with production(STARTING, STARTING, RIGHT) as url:
        answer = ask_production(url, {}, {}, said.append)

    assert answer == {"result": [1.5]}
    [line] = said
    assert "0 of 2 replicas are ready." in line


def test_production_that_never_answers_is_an_error_with_its_reason() -> None:
    with production(STARTING) as url, pytest.raises(ApiError, match=r"0 of 2 .*doctor"):
        ask_production(url, {}, {}, list[str]().append, seconds=0)


def test_production_that_cannot_be_reached_is_an_error() -> None:
    with production(RIGHT) as url:
        gone = url
    with pytest.raises(ApiError, match="did not answer"):
        ask_production(gone, {}, {}, list[str]().append, seconds=0)


@pytest.mark.parametrize("status", [400, 401, 500])
def test_a_refusal_is_not_waited_for(status: int) -> None:
    with (
        production((status, {"error": "no"}), RIGHT) as url,
        pytest.raises(ApiError, match=f"answered {status}"),
    ):
        ask_production(url, {}, {}, list[str]().append)
