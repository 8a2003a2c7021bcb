"""The demo writes a file, and asks production also while its replicas start."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from mlopsctl.demo import arrive, ask_production, sort_target
from mlopsctl.reach.client import Api, ApiError
from tests.listening import Listening

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

    server = Listening(("127.0.0.1", 0), Production)
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


class QuickApp(Api):
    """An app that has claimed the file before the demo asks for the first time after writing it."""

    def __init__(self, state: Path) -> None:
        super().__init__("http://127.0.0.1:1", state)
        self._file = state / "inbox/data/diabetes/diabetes.csv"

    def get(self, path: str) -> object:
        assert path == "/api/status"
        if not self._file.exists():
            return {"claims": []}
        content = hashlib.sha256(self._file.read_bytes()).hexdigest()
        older = {"content": content, "owner": "an older training"}
        return {"claims": [{"content": content, "owner": "train-diabetes-1"}, older]}


def test_a_file_that_is_claimed_at_once_is_no_repetition(tmp_path: Path) -> None:
    said: list[str] = []
    api, file = QuickApp(tmp_path), tmp_path / "inbox/data/diabetes/diabetes.csv"

    def write() -> None:
        file.parent.mkdir(parents=True)
        file.write_text("a,Y\n1,2\n")

    assert arrive(api, file, write, said.append) == ("train-diabetes-1", False)
    assert "claimed by train-diabetes-1" in said[-1]

    assert arrive(api, file, write, said.append) == ("train-diabetes-1", True)
    assert "no new training starts" in said[-1]


def test_a_damaged_file_has_the_same_cells_and_other_targets(tmp_path: Path) -> None:
    (tmp_path / "good.csv").write_text("a,b,Y\n1,2,10\n3,4,9\n5,6,-1\n")

    sort_target(tmp_path / "good.csv", tmp_path / "damaged.csv")

    assert (tmp_path / "damaged.csv").read_text() == "a,b,Y\n1,2,-1\n3,4,9\n5,6,10\n"
