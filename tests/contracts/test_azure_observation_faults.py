"""Reads of production's observations in Azure that fail half-way lose and repeat no row."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from function_app.adapters.azure.data.observations import AzureObservations
from function_app.adapters.azure.reach.connection import Connection
from function_app.domain.drift.observations import ObservationBatch, Reference
from function_app.errors import PlatformError
from tests.azure_servers.azurite import Account
from tests.azure_servers.base import Answer
from tests.azure_servers.blob import BlobServer
from tests.azure_servers.faults import Fault, FaultyWay
from tests.azure_servers.identity import IdentityServer
from tests.azure_servers.names import settings_of_tests
from tests.azure_servers.tls import Tls
from tests.contracts.observed import FEATURES, AzureKept
from tests.contracts.test_observations import DIGEST, WATCHED, project

ROWS = "age,bmi,Y\n" + "".join(f"{n},{n % 7},{2 * n}\n" for n in range(50))
EVALUATION = {"actual": [1.0, 2.0, 4.0], "predicted": [1.5, 2.0, 3.0]}
BUSY = Answer(status=503, headers={"Retry-After": "1", "x-ms-error-code": "ServerBusy"})


@pytest.fixture
def way(account: Account, tls: Tls) -> Iterator[FaultyWay]:
    """The way to the blobs of this test's account."""
    with FaultyWay(account.blob_endpoint.removesuffix(f"/{account.name}"), tls) as server:
        yield server


@pytest.fixture
def recorded(connection: Connection, tmp_path: Path) -> AzureKept:
    """A champion, its requests, and labels."""
    made = AzureKept(connection, tmp_path)
    made.train(ROWS, {"features": list(FEATURES), "target": "Y"}, EVALUATION)
    made.predict(DIGEST, ("a", [[1.0, 2.0]], [3.0]), ("b", [[5.0, 6.0]], [7.0]))
    made.label("1.csv", "id,Y\na,4\n")
    return made


def observe(url: str, tls: Tls, *, retries: int) -> AzureObservations:
    settings = settings_of_tests(tls.ca_file, blob_endpoint=url)
    at_rest = datetime.now(UTC) + timedelta(seconds=90)
    return AzureObservations(Connection(settings, retries=retries), project(), lambda: at_rest)


def look(observations: AzureObservations) -> tuple[Reference, ObservationBatch]:
    reference = observations.reference(WATCHED)
    assert reference is not None
    return reference, observations.read(reference, "", 10.0, 100)


@pytest.mark.parametrize("fault", list(Fault))
def test_a_look_that_is_cut_anywhere_sees_the_same_when_it_is_repeated(
    recorded: AzureKept, account: Account, tls: Tls, way: FaultyWay, fault: Fault
) -> None:
    url = f"{way.url}/{account.name}"
    in_peace = look(observe(url, tls, retries=0))
    cut = 0
    for number in range(60):
        way.fail_at(number, fault)
        try:
            look(observe(url, tls, retries=0))
        except PlatformError:
            cut += 1
        else:
            break
        finally:
            way.heal()
        assert look(observe(url, tls, retries=0)) == in_peace

    assert cut >= 5
    assert (in_peace[1].rows, in_peace[1].labels.rows) == (2, 1)


def test_a_busy_storage_is_asked_again(
    recorded: AzureKept, account: Account, tls: Tls, way: FaultyWay
) -> None:
    way.answers = [BUSY, BUSY]

    assert look(observe(f"{way.url}/{account.name}", tls, retries=4))[1].rows == 2
    # A refused request does not cost its connection: there is one for each container.
    assert len({request.connection for request in way.requests}) == 4


def test_missing_access_to_logs_is_an_error_with_the_remedy(
    tls: Tls, identity: IdentityServer
) -> None:
    with BlobServer(tls) as server:
        server.put("versions", "datasets/diabetes/d1.csv", ROWS.encode())
        schema = b'{"features": ["age", "bmi"], "target": "Y"}'
        server.put("versions", "runs/r1-vs-nothing/evaluation/model_schema.json", schema)
        server.refused.add("/predictions")

        with pytest.raises(PlatformError, match=r"predictions/diabetes/.*403.*role"):
            observe(server.url, tls, retries=0).reference(WATCHED)


def test_without_a_container_of_logs_nothing_was_seen(tls: Tls, identity: IdentityServer) -> None:
    with BlobServer(tls) as server:
        server.put("versions", "datasets/diabetes/d1.csv", ROWS.encode())
        schema = b'{"features": ["age", "bmi"], "target": "Y"}'
        server.put("versions", "runs/r1-vs-nothing/evaluation/model_schema.json", schema)
        server.containers["data"] = {}

        reference, batch = look(observe(server.url, tls, retries=0))

    assert (reference.seen, batch.rows) == (0, 0)
    assert replace(batch, cursor="") == ObservationBatch(cursor="", columns={})
