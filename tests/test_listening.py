"""A server of tests leaves a port that a rule of a container engine still forwards."""

import socket
from pathlib import Path

import pytest

from tests.listening import TRIES, connect, listen

HERE = ("127.0.0.1", 0)
Address = tuple[str, int]


def refused(address: Address) -> socket.socket:
    raise ConnectionRefusedError(111, "the rule leads to a container that has ended")


def test_a_port_whose_connections_are_refused_is_left() -> None:
    asked: list[Address] = []

    def first_refused(address: Address) -> socket.socket:
        asked.append(address)
        return refused(address) if len(asked) == 1 else connect(address)

    with listen(HERE, first_refused) as listener:
        assert listener.getsockname() == asked[1] != asked[0]
    with pytest.raises(ConnectionRefusedError):
        connect(asked[0])


def test_a_port_whose_connections_reach_another_server_is_left() -> None:
    asked: list[Address] = []

    def first_elsewhere(address: Address) -> socket.socket:
        asked.append(address)
        if len(asked) > 1:
            return connect(address)
        connect(address).close()  # of another client, so that the listener need not wait
        return connect(other.getsockname())

    with socket.create_server(HERE) as other, listen(HERE, first_elsewhere) as listener:
        assert listener.getsockname() == asked[1]


def test_an_address_that_no_connection_reaches_is_an_error() -> None:
    asked: list[Address] = []

    def always_refused(address: Address) -> socket.socket:
        asked.append(address)
        return refused(address)

    with pytest.raises(OSError, match="no connection to"):
        listen(HERE, always_refused)
    assert len(asked) == TRIES


def test_a_listener_waits_for_clients_without_a_limit() -> None:
    with listen(HERE) as listener, connect(listener.getsockname()) as client:
        accepted, peer = listener.accept()
        with accepted:
            assert peer == client.getsockname()
        assert listener.gettimeout() is None


def test_every_http_server_of_tests_is_on_a_port_that_its_clients_reach() -> None:
    tests = Path(__file__).parent
    files = [path for path in tests.rglob("*.py") if path != Path(__file__)]

    assert [path for path in files if "HTTPServer(" in path.read_text("utf-8")] == []
