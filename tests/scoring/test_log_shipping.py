"""Each logged line of a replica reaches the storage once, after every fault on the way."""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from function_app.adapters.azure.reach.blobs import Blobs
from function_app.adapters.azure.reach.connection import Connection
from scoring.log_shipping import Destination, Shipper, read_destination
from scoring.prediction_log import LogRules, PredictionLog, Served
from tests.azure_servers.azurite import Account
from tests.azure_servers.faults import FaultyWay
from tests.azure_servers.identity import IdentityServer
from tests.azure_servers.names import settings_of_tests
from tests.azure_servers.storage import account, azurite, connection, identity, tls
from tests.azure_servers.tls import Tls
from tests.funchost.conftest import until
from tests.scoring.keys import AS_PROBE
from tests.scoring.service import pod_identity, serving

__all__ = ["account", "azurite", "connection", "identity", "tls"]


@pytest.fixture
def logs(connection: Connection) -> Blobs:
    return Blobs(connection, "predictions")


@pytest.fixture
def way(account: Account, tls: Tls) -> Iterator[FaultyWay]:
    """The way from a replica to its storage, which a test can disturb."""
    host, _, _ = account.blob_endpoint.rpartition("/")
    with FaultyWay(host, tls) as found:
        yield found


def write(folder: Path, *ids: str) -> None:
    log = PredictionLog(LogRules(folder=folder), ("a",), Served(image="i"))
    for prediction_id in ids:
        log.record(prediction_id, [[1.0]], [2.0])
    log.close()


def sent(logs: Blobs) -> list[str]:
    """Return the ids of every line that the storage has, in its order."""
    content = b"".join(logs.read(entry.name) or b"" for entry in logs.list(""))
    return [json.loads(line)["id"] for line in content.splitlines()]


def ship(connection: Connection, folder: Path, **change: Any) -> Shipper:
    """Send the lines of the folder, as a process does that begins and ends."""
    shipper = open_shipper(connection, folder, **change)
    shipper.start()
    shipper.close(300)
    return shipper


def open_shipper(connection: Connection, folder: Path, **change: Any) -> Shipper:
    from azure.storage.blob import ContainerClient

    settings = connection.settings
    client = ContainerClient(
        settings.blob_endpoint,
        "predictions",
        credential=connection.credential,
        initial_backoff=1,
        **connection.options(),
    )
    destination = Destination(container="", folder="diabetes", **change)
    rules = LogRules(folder=folder, max_segment_seconds=0.2)
    return Shipper(rules, destination, client, pause=0.2)


def test_a_processs_segments_are_one_blob_a_day_in_their_order(
    connection: Connection, logs: Blobs, tmp_path: Path
) -> None:
    logs.ensure_container()
    write(tmp_path, "a", "b")
    [process] = tmp_path.iterdir()
    (process / "00000002.jsonl").write_bytes((process / "00000001.jsonl").read_bytes())

    shipper = ship(connection, tmp_path)

    day = time.strftime("%Y%m%d", time.gmtime())
    assert [entry.name for entry in logs.list("")] == [f"diabetes/{process.name}/{day}.jsonl"]
    assert sent(logs) == ["a", "b", "a", "b"]
    assert (shipper.sent, shipper.lost) == (4, 0)
    assert list(process.iterdir()) == []


def test_a_segment_that_was_sent_before_its_process_died_is_not_sent_again(
    connection: Connection, logs: Blobs, tmp_path: Path
) -> None:
    logs.ensure_container()
    write(tmp_path, "a")
    [segment] = tmp_path.glob("*/*.jsonl")
    content, times = segment.read_bytes(), (segment.stat().st_atime, segment.stat().st_mtime)
    ship(connection, tmp_path)
    segment.write_bytes(content)
    os.utime(segment, times)

    ship(connection, tmp_path)

    assert sent(logs) == ["a"]
    assert not segment.exists()


@pytest.mark.parametrize("request_number", range(3))
def test_a_lost_answer_loses_no_line_and_sends_none_twice(
    account: Account,
    identity: IdentityServer,
    tls: Tls,
    logs: Blobs,
    way: FaultyWay,
    tmp_path: Path,
    request_number: int,
) -> None:
    logs.ensure_container()
    write(tmp_path, "a", "b")
    way.lose_at(request_number)
    settings = settings_of_tests(tls.ca_file, blob_endpoint=f"{way.url}/{account.name}")

    ship(Connection(settings), tmp_path)

    assert sent(logs) == ["a", "b"]


def test_a_storage_that_cannot_be_reached_gets_everything_when_it_can(
    connection: Connection, logs: Blobs, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write(tmp_path, "a")
    shipper = open_shipper(connection, tmp_path)
    shipper.start()
    until(lambda: "ContainerNotFound" in caplog.text, "the first attempt")
    write(tmp_path, "b")
    logs.ensure_container()
    until(lambda: shipper.sent == 2, "the lines")
    shipper.close()

    assert sent(logs) == ["a", "b"]
    assert caplog.text.count("cannot be sent") == 1


def test_a_day_has_a_bound_and_what_is_beyond_is_counted(
    connection: Connection, logs: Blobs, tmp_path: Path
) -> None:
    logs.ensure_container()
    write(tmp_path, "a")
    [first] = tmp_path.glob("*/*.jsonl")
    size = first.stat().st_size
    first.with_name("00000002.jsonl").write_bytes(first.read_bytes() * 2)

    shipper = ship(connection, tmp_path, max_blob_bytes=2 * size)

    assert sent(logs) == ["a"]
    assert (shipper.sent, shipper.lost) == (1, 2)


def test_a_segment_without_a_whole_line_keeps_no_other_waiting(
    connection: Connection, logs: Blobs, tmp_path: Path
) -> None:
    logs.ensure_container()
    write(tmp_path, "a")
    [segment] = tmp_path.glob("*/*.jsonl")
    segment.rename(segment.with_name("00000003.jsonl"))
    segment.with_name("00000001.jsonl").write_bytes(b"")
    segment.with_name("00000002.jsonl").write_bytes(b'{"half')

    ship(connection, tmp_path)

    assert sent(logs) == ["a"]
    assert list(segment.parent.iterdir()) == []


def test_the_log_of_a_killed_process_is_sent_up_to_its_last_whole_line(
    connection: Connection, logs: Blobs, tmp_path: Path
) -> None:
    logs.ensure_container()
    write(tmp_path, "a", "b")
    [segment] = tmp_path.glob("*/*.jsonl")
    left, fresh = segment.with_suffix(".part"), segment.with_name("00000002.part")
    fresh.write_bytes(segment.read_bytes())
    left.write_bytes(segment.read_bytes()[:-5])
    segment.unlink()
    os.utime(left, (time.time() - 600,) * 2)

    ship(connection, tmp_path)

    assert sent(logs) == ["a"]
    assert fresh.exists(), "somebody writes it"


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("http://account/predictions/m", "must be https"),
        ("https://account/predictions", "must be https"),
        ("https://account/predictions/m", "a folder, is not"),
    ],
)
def test_an_address_that_cannot_be_one_is_refused(address: str, message: str) -> None:
    folder = {} if "folder" in message else {"PREDICTION_LOG": "/tmp/l"}

    with pytest.raises(ValueError, match=message):
        read_destination({"PREDICTION_LOG_BLOBS": address, **folder})


def test_a_pods_service_sends_its_log_under_the_identity_that_the_cluster_gives_it(
    model: Path, logs: Blobs, tls: Tls, tmp_path: Path
) -> None:
    logs.ensure_container()
    golden = json.loads((model / "golden.json").read_text())
    with pod_identity(tls, tmp_path) as given:
        environ = {
            **given,
            "IMAGE_DIGEST": "sha256:aa",
            "PREDICTION_LOG": str(tmp_path / "log"),
            "PREDICTION_LOG_SEGMENT_SECONDS": "1",
            "PREDICTION_LOG_BLOBS": f"{logs.address}/diabetes",
        }
        with serving(model, environ) as client:
            first = client.post("/score", json={"data": golden["data"]})

            def figures() -> str:
                return client.get("/metrics", headers=AS_PROBE).text

            until(lambda: "prediction_log_sent_total 1\n" in figures(), "a line")
            last = client.post("/score", json={"data": golden["data"]})

    assert sent(logs) == [first.headers["x-prediction-id"], last.headers["x-prediction-id"]]
