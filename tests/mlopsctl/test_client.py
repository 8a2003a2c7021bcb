"""Errors of the command line when the app is slow or absent."""

import socket
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from threading import Thread

import pytest

from mlopsctl.reach.client import Api, ApiError
from tests.listening import Listening


def test_an_app_that_takes_its_time_is_not_called_away(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        api = Api(f"http://127.0.0.1:{silent.getsockname()[1]}", tmp_path, seconds=0.2)

        with pytest.raises(ApiError, match=r"has not answered yet\. It may still carry it out"):
            api.get("/api/models")
        api.close()


def test_an_app_that_is_away_is_called_so(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    api = Api(f"http://127.0.0.1:{port}", tmp_path)

    with pytest.raises(ApiError, match=r"does not answer\. Start it with `make up`"):
        api.get("/api/models")
    api.close()


class Gateway(BaseHTTPRequestHandler):
    """A server before the app, which answers in its own form."""

    def do_GET(self) -> None:
        body = b'{"error": "upstream is away"}'
        self.send_response(502)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None: ...


def test_an_error_in_another_form_is_no_traceback(tmp_path: Path) -> None:
    with Listening(("127.0.0.1", 0), Gateway) as server:
        Thread(target=server.handle_request, daemon=True).start()
        api = Api(f"http://127.0.0.1:{server.server_port}", tmp_path)

        with pytest.raises(ApiError, match=r"HTTP 502 from /api/models"):
            api.get("/api/models")
        api.close()
