"""The container of versions, on Azurite and on the small server that the other tests use."""

import hashlib
from collections.abc import Iterator

import pytest

from function_app.adapters.azure.reach.blobs import Blobs
from function_app.adapters.azure.reach.connection import Connection
from function_app.errors import PlatformError
from tests.azure_servers.blob import BlobServer
from tests.azure_servers.identity import IdentityServer
from tests.azure_servers.names import settings_of_tests
from tests.azure_servers.tls import Tls


@pytest.fixture(params=["azurite", "server"])
def blobs(request: pytest.FixtureRequest, tls: Tls, identity: IdentityServer) -> Iterator[Blobs]:
    if request.param == "azurite":
        yield Blobs(request.getfixturevalue("connection"))
        return
    with BlobServer(tls) as server:
        yield Blobs(Connection(settings_of_tests(tls.ca_file, blob_endpoint=server.url)))


def test_a_container_is_made_once(blobs: Blobs) -> None:
    absent = blobs.container_exists()
    first, second = blobs.ensure_container(), blobs.ensure_container()

    assert (absent, first, second) == (False, True, False)
    assert blobs.container_exists()


def test_a_blob_is_created_once_and_keeps_its_first_content(blobs: Blobs) -> None:
    blobs.ensure_container()

    first = blobs.create("a/b.json", b"1")
    second = blobs.create("a/b.json", b"2")

    assert (first, second) == (True, False)
    assert blobs.read("a/b.json") == b"1"


def test_a_blob_is_written_over_read_digested_and_deleted(blobs: Blobs) -> None:
    blobs.ensure_container()
    content = b"x" * 5_000_000
    blobs.write("large", b"small")
    blobs.write("large", content)

    assert blobs.read("large") == content
    assert blobs.digest("large") == hashlib.sha256(content).hexdigest()
    blobs.delete("large")
    blobs.delete("large")
    assert blobs.read("large") is None


def test_blobs_that_are_not_there_are_none(blobs: Blobs) -> None:
    blobs.ensure_container()

    assert blobs.read("nothing") is None
    assert blobs.digest("nothing") is None
    assert blobs.read_json("nothing") is None


def test_an_empty_blob_is_empty_and_not_none(blobs: Blobs) -> None:
    blobs.ensure_container()
    blobs.write("empty", b"")

    assert blobs.read("empty") == b""
    assert blobs.digest("empty") == hashlib.sha256(b"").hexdigest()


def test_a_blob_is_known_by_its_address_and_others_are_not(blobs: Blobs) -> None:
    assert blobs.name_of(blobs.url("a/b.csv")) == "a/b.csv"
    assert blobs.name_of("https://elsewhere.example/versions/a/b.csv") is None


def test_blobs_are_listed_by_how_their_names_begin_and_read_in_part(blobs: Blobs) -> None:
    blobs.ensure_container()
    for name in ("a/2.csv", "a/1 & more.csv", "b/1.csv"):
        blobs.write(name, b"0123456789")

    found = blobs.list("a/")

    assert [(entry.name, entry.size) for entry in found] == [
        ("a/1 & more.csv", 10),
        ("a/2.csv", 10),
    ]
    assert blobs.list("c/") == []
    assert blobs.read_part("a/2.csv", 3, 4) == b"3456"
    assert blobs.read_part("a/2.csv", 8, 100) == b"89"
    assert blobs.read_part("a/2.csv", 10, 1) == b""
    assert blobs.read_part("nothing", 0, 1) == b""


def test_a_record_is_not_absent_while_the_storage_does_not_answer(
    tls: Tls, identity: IdentityServer
) -> None:
    with BlobServer(tls) as server:
        settings = settings_of_tests(tls.ca_file, blob_endpoint=server.url)
        blobs = Blobs(Connection(settings, retries=0))
        blobs.ensure_container()
        blobs.write_json("models/record.json", {"version": "1"})
        blobs.write("models/garbled.json", b"no JSON")
        assert blobs.read_record("models/record.json") == {"version": "1"}
        assert blobs.read_record("models/garbled.json") == {}
        assert blobs.read_record("models/absent.json") is None

    # Its reader would make it again, such as another number for a run that is registered.
    with pytest.raises(PlatformError):
        Blobs(Connection(settings, retries=0)).read_record("models/record.json")
