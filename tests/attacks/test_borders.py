"""Attacks on the local host, refused before any function or orchestration is reached."""

import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.attacks.attack import BORDERLESS, SAME, attack, no_equivalent
from tests.attacks.targets import Target, keys
from tests.funchost.conftest import Host, until
from tests.patience import PATIENCE

MANAGEMENT = "/runtime/webhooks/durabletask/instances"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    host = Host(
        tmp_path_factory.mktemp("guarded"),
        FUNCHOST_ALLOWED_HOSTS="mlops.example",
        FUNCHOST_EVENTGRID_KEY="true",
        FUNCHOST_EVENTGRID_PER_MINUTE="3",
        FUNCTIONS_REQUEST_BODY_SIZE_LIMIT="2000",
    )
    host.start()
    yield host
    assert host.stop() == 0


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """A host that gives a client one second; only for clients that never end their request."""
    host = Host(tmp_path_factory.mktemp("hasty"), FUNCHOST_REQUEST_SECONDS="1")
    host.start()
    yield host
    assert host.stop() == 0


@pytest.fixture
def crowded(tmp_path: Path) -> Iterator[Host]:
    """A host with few connections, none of which it closes during a test, however slow it runs."""
    host = Host(tmp_path, FUNCHOST_REQUEST_SECONDS="600", FUNCHOST_MAX_CONNECTIONS="20")
    host.start()
    yield host
    assert host.stop() == 0


def logged(host: Host, text: str) -> bool:
    return text in (host.state / "host.log").read_text()


@attack(
    point=4,
    does="lets a browser send requests to the host under the attacker's name (DNS rebinding)",
    answer="403, the message names FUNCHOST_ALLOWED_HOSTS",
    log="host: refused GET <path>",
    before="succeeded",
    azure=no_equivalent(
        "the Functions host of Azure stands in this place; this border is the local host's."
    ),
    by="trial",
    version=BORDERLESS,
)
@pytest.mark.parametrize("path", [MANAGEMENT, "/api/start/chain/a", "/"])
def test_a_foreign_host_is_refused(guarded: Host, path: str) -> None:
    answer = httpx.get(guarded.url + path, headers={"Host": "attacker.example"})

    assert answer.status_code == 403
    assert "FUNCHOST_ALLOWED_HOSTS" in answer.json()["Message"]
    assert logged(guarded, "refused GET " + path)


@pytest.mark.parametrize(
    "name", ["localhost", "127.0.0.1:80", "[::1]:7071", "mlops.example", "MLOPS.example:443"]
)
def test_loopback_and_allowed_hosts_are_let_in(guarded: Host, name: str) -> None:
    assert httpx.get(guarded.url, headers={"Host": name}).status_code == 200


@attack(
    point=4,
    does="sends management requests and POSTs from a page of another site",
    answer="403; nothing is started",
    log="host: refused <method> <path>",
    before="succeeded",
    azure=no_equivalent(
        "the Functions host of Azure stands in this place; this border is the local host's."
    ),
    by="trial",
    version=BORDERLESS,
)
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://attacker.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
@pytest.mark.parametrize(("method", "path"), [("GET", MANAGEMENT), ("POST", "/api/start/chain/x")])
def test_cross_site_requests_change_and_manage_nothing(
    guarded: Host, method: str, path: str, headers: dict[str, str]
) -> None:
    answer = httpx.request(method, guarded.url + path, headers=headers)

    assert answer.status_code == 403
    assert guarded.manage("GET", "/instances/x").status_code == 404


def test_a_page_of_this_host_may_send_requests(guarded: Host) -> None:
    headers = {"Origin": guarded.url, "Sec-Fetch-Site": "same-origin"}

    answer = httpx.get(
        guarded.url + MANAGEMENT,
        params={"code": guarded.keys()["systemKey"]},
        headers=headers,
    )

    assert answer.status_code == 200


@attack(
    point=4,
    does="calls the worker's Durable API (/durabletask/) without a key, from another process",
    answer="404; the real path has 256 random bits and no file or log has it",
    log="none: the host does not know the path",
    before="succeeded",
    azure=no_equivalent(
        "the Functions host of Azure stands in this place; this border is the local host's."
    ),
    by="trial",
    version=BORDERLESS,
)
def test_the_path_of_the_worker_cannot_be_guessed(guarded: Host) -> None:
    for path in ("/durabletask/instances", "/durabletask/orchestrators/chain", "/durabletask/"):
        assert httpx.post(guarded.url + path).status_code == 404
        assert httpx.get(guarded.url + path).status_code == 404

    guarded.begin("chain", "started", 1)
    assert guarded.finished("started")["output"] == 4
    files = [p for p in guarded.state.rglob("*") if p.is_file()]
    written = b"".join(p.read_bytes() for p in files)
    assert not re.search(rb"/durabletask/[A-Za-z0-9_-]{43}", written)


@attack(
    point=4,
    does="sends a body over the limit, with and without announcing its length",
    answer="413; nothing is started",
    log="none: the answer says it, and a line for each request would fill the log",
    before="succeeded",
    azure=no_equivalent(
        "the Functions host of Azure stands in this place; this border is the local host's."
    ),
    by="trial",
    version=BORDERLESS,
)
def test_a_body_over_the_limit_is_refused_before_it_is_read(guarded: Host) -> None:
    announced = httpx.post(f"{guarded.url}/api/start/chain/large", content=b"1" * 3000)
    unannounced = httpx.post(
        f"{guarded.url}/api/start/chain/large", content=iter([b"1" * 1500, b"1" * 1500])
    )

    assert (announced.status_code, unannounced.status_code) == (413, 413)
    assert guarded.manage("GET", "/instances/large").status_code == 404


def send(host: Host, text: bytes) -> bytes:
    """Send an incomplete request and return the host's answer until it closes the connection."""
    address = host.url.removeprefix("http://").split(":")
    answer = b""
    with socket.create_connection((address[0], int(address[1])), timeout=PATIENCE) as connection:
        connection.sendall(text)
        while part := connection.recv(4096):
            answer += part
    return answer


@attack(
    point=4,
    does="sends the head of a request and never ends it (slow loris)",
    answer="the connection is closed",
    log="none: no request was made",
    before="succeeded",
    azure=no_equivalent(
        "the Functions host of Azure stands in this place; this border is the local host's."
    ),
    by="trial",
    version=BORDERLESS,
)
def test_a_head_that_does_not_end_closes_the_connection(hasty: Host) -> None:
    assert send(hasty, b"GET / HTTP/1.1\r\nHost: localhost\r\n") == b""


@attack(
    point=4,
    does="announces a body and never ends it",
    answer="408; the connection is closed",
    log="none: the answer says it",
    before="succeeded",
    azure=no_equivalent(
        "the Functions host of Azure stands in this place; this border is the local host's."
    ),
    by="trial",
    version=BORDERLESS,
)
def test_a_body_that_does_not_end_is_given_up(hasty: Host) -> None:
    head = b"POST /api/start/chain/s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n"

    assert send(hasty, head + b"Connection: close\r\n\r\n1").startswith(b"HTTP/1.1 408 ")


@attack(
    point=4,
    does="opens connections and leaves them idle",
    answer="503 over the limit; afterwards the host answers again",
    log="host: a connection was refused",
    before="succeeded",
    azure=no_equivalent(
        "the Functions host of Azure stands in this place; this border is the local host's."
    ),
    by="trial",
    version=BORDERLESS,
)
def test_connections_over_the_limit_are_told_to_come_back(crowded: Host) -> None:
    name, port = crowded.url.removeprefix("http://").split(":")
    idle = [socket.create_connection((name, int(port))) for _ in range(30)]

    refused = [c.recv(4096) for c in idle[25:]]
    for connection in idle:
        connection.close()

    assert all(answer.startswith(b"HTTP/1.1 503 ") for answer in refused)
    assert logged(crowded, "a connection was refused: 20 are open")
    until(crowded.is_up, "the host to answer again")


@attack(
    point=4,
    does="sends events to the Event Grid webhook of a host without --auth, without and with a wrong key, and too many with the key",
    answer="401, 401, 429",
    log="host: refused POST /runtime/webhooks/EventGrid",
    before="succeeded",
    azure=no_equivalent(
        "the Functions host of Azure stands in this place; this border is the local host's."
    ),
    by="trial",
    version=BORDERLESS,
)
def test_the_webhook_asks_for_its_key_also_without_auth_and_limits_the_rate(guarded: Host) -> None:
    key = json.loads((guarded.state / "keys.json").read_text())["eventgrid"]
    url = f"{guarded.url}/runtime/webhooks/EventGrid?functionName=on_event"
    headers = {"aeg-event-type": "Notification"}
    event = {
        "id": "e", "subject": "s", "eventType": "t", "eventTime": "2026-01-01T00:00:00Z",
        "dataVersion": "1", "topic": "t", "data": {"n": 1},
    }  # fmt: skip

    def post(code: str, count: int) -> int:
        answer = httpx.post(f"{url}&code={code}", json=[event] * count, headers=headers)
        return answer.status_code

    assert [post("", 1), post("wrong", 1), post(key, 4), post(key, 3)] == [401, 401, 429, 202]
    # In the same minute none is left; a new minute may have begun since the last request.
    until(lambda: post(key, 3) == 429, "a refusal")


@attack(
    point=4,
    does="sends keys of the host that are neither ASCII nor UTF-8",
    answer="401, not 500",
    log="host: refused <method> <path>",
    before="succeeded",
    azure=no_equivalent(
        "the Functions host of Azure stands in this place; this border is the local host's."
    ),
    by="trial",
    version=BORDERLESS,
)
@pytest.mark.parametrize("key", ["x-functions-key", "aeg-sas-key"])
def test_credentials_that_are_no_ascii_are_wrong_and_no_fault(guarded: Host, key: str) -> None:
    for value in ("schlüssel".encode(), b"\xff\xfe"):
        managed = httpx.get(guarded.url + MANAGEMENT, headers={key.encode(): value})
        published = httpx.post(
            f"{guarded.url}/topics/default/api/events", headers={key.encode(): value}, json=[]
        )
        assert (managed.status_code, published.status_code) == (401, 401)


@attack(
    point=4,
    does="sends keys, tokens, signatures and passwords that are neither ASCII nor UTF-8",
    answer="401 in every place, not 500",
    log="host: refused <method> <path>; audit: refusal, UNAUTHENTICATED",
    before="succeeded",
    azure=SAME,
    by="trial",
)
@pytest.mark.parametrize("value", ["schlüssel".encode(), b"\xff\xfe", b"a\xed\xa0\x80"])
def test_credentials_that_are_no_ascii_are_wrong_in_every_place(
    target: Target, value: bytes
) -> None:
    def ask(path: str, name: bytes, given: bytes, *more: tuple[bytes, bytes]) -> int:
        headers = [(b"x-functions-key", keys(target)["host"].encode())]
        headers = [pair for pair in headers if pair[0] != name]
        url = target.host.url + path
        return httpx.post(url, content=b"{}", headers=[*headers, (name, given), *more]).status_code

    timed = (b"x-mlops-timestamp", value)
    places = {
        "a function key": ask("/api/findings", b"x-functions-key", value),
        "a management key": ask(f"{MANAGEMENT}/x/terminate", b"x-functions-key", value),
        "the key of a topic": ask("/topics/default/api/events", b"aeg-sas-key", value),
        "the key of the webhook": ask(
            "/runtime/webhooks/EventGrid?functionName=on_event", b"x-functions-key", value
        ),
        "a token": ask("/api/models/diabetes/roll-back", b"authorization", b"Bearer " + value),
        "a signature": ask("/api/webhooks/build-server", b"x-hub-signature-256", value),
        "a signed time": ask(
            "/api/webhooks/build-server", b"x-hub-signature-256", b"sha256=0", timed
        ),
        "a password": ask("/api/webhooks/azure-devops", b"authorization", b"Basic " + value),
    }

    assert set(places.values()) == {401}, places
