"""Attacks on the local host by headers that come twice, are no addresses or name no content."""

import socket
from collections.abc import Iterator

import pytest

from tests.attacks.attack import LOCAL_BORDER, attack
from tests.funchost.conftest import Host
from tests.patience import PATIENCE


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    host = Host(tmp_path_factory.mktemp("headers"))
    host.start()
    yield host
    assert host.stop() == 0


def send(host: Host, *headers: str, body: bytes = b"") -> int:
    """Send a POST with exactly these headers; return the status of the answer."""
    address = host.url.removeprefix("http://")
    lines = [header.format(address=address) for header in headers]
    head = "\r\n".join(
        ["POST /api/start/chain/x HTTP/1.1", *lines, f"Content-Length: {len(body)}", "", ""]
    )
    name, _, port = address.partition(":")
    with socket.create_connection((name, int(port)), timeout=PATIENCE) as wire:
        wire.sendall(head.encode("latin-1") + body)
        return int(wire.recv(4096).split()[1])


@attack(
    point=4,
    does="sends two origins of which one is this host's, an origin that is not an address, or the "
    "browser's word in another case",
    answer="403; nothing is started",
    log="host: refused POST <path>",
    before="succeeded",
    azure=LOCAL_BORDER,
    by="trial",
)
@pytest.mark.parametrize(
    "headers",
    [
        ("Origin: http://{address}", "Origin: https://attacker.example"),
        ("Origin: https://attacker.example", "Origin: http://{address}"),
        ("Origin: http://[x",),
        ("Origin: ", "Sec-Fetch-Site: cross-site"),
        ("Sec-Fetch-Site: Cross-Site",),
        ("Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: cross-site"),
    ],
)
def test_every_copy_of_a_header_counts(host: Host, headers: tuple[str, ...]) -> None:
    assert send(host, "Host: {address}", *headers) == 403
    assert host.manage("GET", "/instances/x").status_code == 404


@attack(
    point=4,
    does="hides a foreign name in a Host header that is more than a host and a port",
    answer="403 or 400; nothing is started",
    log="host: refused POST <path>",
    before="succeeded",
    azure=LOCAL_BORDER,
    by="trial",
)
@pytest.mark.parametrize(
    "headers",
    [
        ("Host: attacker.example@{address}",),
        ("Host: {address}/attacker.example",),
        ("Host: {address}?attacker.example",),
        ("Host: {address}", "Host: attacker.example"),
        ("Host: attacker.example", "Host: {address}"),
        ("Host: [::1",),
    ],
)
def test_a_host_is_a_name_and_a_port(host: Host, headers: tuple[str, ...]) -> None:
    assert send(host, *headers) in (400, 403)
    assert host.manage("GET", "/instances/x").status_code == 404


@attack(
    point=4,
    does="sends a body that is not compressed as its Content-Encoding says",
    answer="400; no traceback",
    log="none: a request of a wrong form is answered with its reason",
    before="succeeded",
    azure=LOCAL_BORDER,
    by="trial",
)
@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_body_that_does_not_unpack_is_refused(host: Host, encoding: str) -> None:
    body = b"0123456789"

    assert send(host, "Host: {address}", f"Content-Encoding: {encoding}", body=body) == 400
