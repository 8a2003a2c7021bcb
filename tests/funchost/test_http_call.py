"""call_http: the headers that are sent and shown, and the texts of failures."""

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler

import pytest
from azure.durable_functions import ManagedIdentityTokenSource

from funchost.durable.http_call import (
    BadUriError,
    HttpCallError,
    TokenSourceError,
    call,
    check_uris,
)
from tests.funchost.conftest import APPS, Host
from tests.listening import Listening


@pytest.fixture(scope="module", params=["never", "always"])
def host(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Host]:
    host = Host(tmp_path_factory.mktemp("http"), APPS / "entities", FUNCHOST_REPLAY=request.param)
    host.start()
    yield host
    host.stop()


def test_a_request_that_wants_an_identitys_token_fails_before_anything_is_sent() -> None:
    source = ManagedIdentityTokenSource("https://management.azure.com").to_json()
    request = json.dumps({"method": "GET", "uri": "http://127.0.0.1:9/", "tokenSource": source})

    with pytest.raises(TokenSourceError, match="send an Authorization header of your own"):
        asyncio.run(call(request))


class Echo(BaseHTTPRequestHandler):
    """Answers with the headers of the request, and with headers of a content of its own."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        seen = {name.lower(): text for name, text in self.headers.items()}
        data = json.dumps({"body": body, "headers": seen}).encode()
        self.send_response(200)
        for name, text in (("X-Own", "1"), ("Expires", "0"), ("Content-Language", "en")):
            self.send_header(name, text)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_DELETE(self) -> None:
        self.do_POST()

    def do_GET(self) -> None:
        """Answer with a byte order mark, a byte that is no text, and a header that repeats."""
        data = b"\xef\xbb\xbfa\xff"
        self.send_response(200)
        for name, text in (("set-cookie", "a=1"), ("Set-Cookie", "b=2"), ("etag", "1")):
            self.send_header(name, text)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Stay silent."""


@pytest.fixture
def echo() -> Iterator[str]:
    server = Listening(("127.0.0.1", 0), Echo)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


def sent(url: str, method: str = "POST", **more: object) -> tuple[dict[str, str], dict[str, str]]:
    """Return the headers that the server saw and those of the answer."""
    answer = json.loads(asyncio.run(call(json.dumps({"method": method, "uri": url, **more}))))
    return json.loads(answer["content"])["headers"], answer["headers"]


@pytest.mark.parametrize(
    ("request_", "type_"),
    [
        ({"content": '{"a": 1}'}, "text/plain"),
        ({"content": ""}, "text/plain"),
        ({"content": "a", "headers": {"content-TYPE": "text/csv"}}, "text/csv"),
        ({}, None),
        ({"method": "DELETE"}, None),
    ],
)
def test_content_is_plain_text_unless_the_request_says_more(
    echo: str, request_: dict[str, str], type_: str | None
) -> None:
    headers, answered = sent(echo, **request_)

    assert headers.get("content-type") == type_
    assert "accept" not in headers
    assert answered["X-Own"] == "1"
    assert not {"content-type", "content-length", "content-language", "expires"} & {
        name.lower() for name in answered
    }


def test_a_repeated_header_is_a_list_and_bytes_that_are_no_text_are_replaced(echo: str) -> None:
    answer = json.loads(asyncio.run(call(json.dumps({"method": "GET", "uri": echo}))))

    assert answer["headers"]["Set-Cookie"] == ["a=1", "b=2"]
    assert answer["headers"]["ETag"] == "1"
    assert answer["content"] == "a\ufffd"


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://127.0.0.1/", "The 'ftp' scheme is not supported."),
        ("http://127.0.0.1:9/", "Connection refused (127.0.0.1:9)"),
        ("nonsense", "An invalid request URI was provided."),
        ("", "An invalid request URI was provided."),
    ],
)
def test_a_request_without_an_answer_fails_with_the_plain_reason(url: str, reason: str) -> None:
    with pytest.raises(HttpCallError) as error:
        asyncio.run(call(json.dumps({"method": "GET", "uri": url})))

    assert str(error.value).startswith(reason)


@pytest.mark.parametrize("url", ["http://", "https:///x", "http://a b/", "http://h:port/"])
def test_a_url_that_dotnet_cannot_read_is_named_with_its_place(url: str) -> None:
    good = {"actionType": 8, "httpRequest": {"uri": "http://h/"}}
    bad = {"actionType": 8, "httpRequest": {"uri": url}}
    text = f"Error converting value \"{url}\" to type 'System.Uri'. Path "

    check_uris([good, {"actionType": 5}], 0)
    with pytest.raises(BadUriError) as alone:
        check_uris([good, bad], 3)
    with pytest.raises(BadUriError) as within:
        check_uris([{"actionType": 12, "compoundActions": [good, bad]}], 0)

    assert str(alone.value) == f"{text}'actions[0][4].httpRequest.uri'."
    assert str(within.value) == f"{text}'actions[0][0].compoundActions[1].httpRequest.uri'."


def test_such_a_url_fails_the_orchestration_and_cannot_be_caught(host: Host) -> None:
    host.begin("calling", "calling-bad", "http://")

    ended = host.finished("calling-bad")
    assert ended["runtimeStatus"] == "Failed"
    assert ended["output"].startswith("Orchestrator function 'calling' failed: Error converting")
