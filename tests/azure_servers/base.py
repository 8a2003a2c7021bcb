"""A small threaded server whose answers a test writes; it records its requests."""

import json
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from tests.azure_servers.tls import Tls
from tests.listening import Listening


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The request of a client; the names of headers are in lower case.

    `connection` is the port that the client asked from.
    """

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    connection: int = 0

    @property
    def json(self) -> Any:
        """The body as JSON, None when there is none."""
        return json.loads(self.body) if self.body else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The answer of the server: `content` as JSON, or raw `body`; `drop` hangs up instead."""

    status: int = 200
    content: Any = None
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    drop: bool = False


Respond = Callable[[Request], Answer]


class Server:
    """Serves on a free port of localhost, over https when it is given a certificate."""

    def __init__(self, respond: Respond, tls: Tls | None = None) -> None:
        self.respond = respond
        self.requests: list[Request] = []
        self._http = _Listening(("127.0.0.1", 0), _listener(self))
        if tls:
            # The thread of the connection does the handshake, so that a client with a slow
            # handshake does not delay other clients.
            self._http.socket = tls.server_context().wrap_socket(
                self._http.socket, server_side=True, do_handshake_on_connect=False
            )
        scheme = "https" if tls else "http"
        self.port = int(self._http.server_address[1])
        self.url = f"{scheme}://localhost:{self.port}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def asked(self, method: str, path: str = "") -> list[Request]:
        """Return the requests of a method whose path contains this text."""
        return [r for r in list(self.requests) if r.method == method and path in r.path]

    def close(self) -> None:
        """Stop to listen."""
        self._http.shutdown()
        self._http.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class _Listening(Listening):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print nothing about clients that hang up or do not trust us, because tests cause these."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


def _listener(server: Server) -> type[BaseHTTPRequestHandler]:
    class Listener(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Head and body are one write, because a second write waits for the receipt of the first.
        wbufsize = -1

        def _answer(self) -> None:
            parts = urlsplit(self.path)
            request = Request(
                method=self.command,
                path=parts.path,
                query={k: v[-1] for k, v in parse_qs(parts.query, keep_blank_values=True).items()},
                headers={name.lower(): value for name, value in self.headers.items()},
                body=self._body(),
                connection=self.client_address[1],
            )
            server.requests.append(request)
            answer = server.respond(request)
            if answer.drop:
                self.close_connection = True
                return
            body, headers = answer.body, dict(answer.headers)
            if answer.content is not None:
                body = json.dumps(answer.content).encode()
                headers.setdefault("Content-Type", "application/json")
            self.send_response(answer.status)
            headers.setdefault("Content-Length", str(len(body)))
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def _body(self) -> bytes:
            if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
                return self.rfile.read(int(self.headers.get("Content-Length") or 0))
            body = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    for method in ("GET", "HEAD", "PUT", "POST", "PATCH", "MERGE", "DELETE"):
        setattr(Listener, f"do_{method}", Listener._answer)
    return Listener
