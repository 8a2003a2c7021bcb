"""What the datasets of every platform must do."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from function_app.adapters.azure.blobs import Blobs
from function_app.adapters.azure.connection import Connection
from function_app.adapters.azure.datasets import AzureDatasets
from function_app.adapters.local.datasets import LocalDatasets
from function_app.adapters.local.events import LocalEvents
from function_app.errors import ConflictError, ContractError, MlopsError, NotFoundError
from function_app.ports import Datasets

ROOT = Path(__file__).parents[2]
CSV = b"a,Y\n1,2\n3,4\n,6\n"


class Place:
    """Datasets, and how data lands there: `land(name, content)` returns uri and etag."""

    def __init__(self, datasets: Datasets, land: Callable[[str, bytes], tuple[str, str]]) -> None:
        self.datasets, self.land = datasets, land


@pytest.fixture(params=["local", "azure"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "azure":
        return _azure(request.getfixturevalue("connection"))
    inbox = tmp_path / "inbox" / "data"

    def land(name: str, content: bytes) -> tuple[str, str]:
        path = inbox / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path.as_uri(), hashlib.sha256(content).hexdigest()

    return Place(LocalDatasets(tmp_path, ROOT, LocalEvents("", "")), land)


def _azure(connection: Connection) -> Place:
    landed = Blobs(connection, connection.settings.data_container)
    landed.ensure_container()
    Blobs(connection).ensure_container()

    def land(name: str, content: bytes) -> tuple[str, str]:
        landed.write(name, content)
        client: Any = landed._container()
        etag = client.get_blob_client(name).get_blob_properties().etag
        return landed.url(name), str(etag).strip('"')

    return Place(AzureDatasets(connection, ROOT), land)


def test_the_same_bytes_are_one_version_wherever_they_landed(place: Place) -> None:
    first = place.datasets.add("m", *place.land("m/a.csv", CSV))
    again = place.datasets.add("m", *place.land("m/a.csv", CSV))
    other = place.datasets.add("m", *place.land("m/sub/b.csv", CSV))

    assert first == again == other
    assert first.version == hashlib.sha256(CSV).hexdigest()
    assert place.datasets.add("m", *place.land("m/a.csv", CSV + b"5,6\n")) != first


def test_a_version_stays_what_it_was_when_the_file_changes(place: Place) -> None:
    dataset = place.datasets.add("m", *place.land("m/a.csv", CSV))
    place.land("m/a.csv", b"something else")

    profile = place.datasets.profile(dataset)

    assert profile.rows == 3
    assert [(c.name, c.missing, c.mean) for c in profile.columns] == [("a", 1, 2.0), ("Y", 0, 4.0)]


def test_a_file_that_changed_after_its_event_is_left_to_the_newer_one(place: Place) -> None:
    uri, etag = place.land("m/a.csv", CSV)
    place.land("m/a.csv", CSV + b"5,6\n")

    with pytest.raises(ConflictError) as caught:
        place.datasets.add("m", uri, etag)

    assert caught.value.code == "DATA_CHANGED"


def test_the_newest_is_what_was_accepted_last_and_the_reference_data_before(place: Place) -> None:
    reference = place.datasets.latest("m")
    dataset = place.datasets.add("m", *place.land("m/a.csv", CSV))
    before = place.datasets.latest("m")
    place.datasets.accept(dataset)
    place.datasets.accept(dataset)

    assert before == reference
    assert place.datasets.profile(reference).rows == 442
    assert place.datasets.baseline("m").rows == 442
    assert place.datasets.latest("m") == dataset


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example.com/data/m/a.csv",
        "file:///etc/passwd",
        "ftp://x/y",
        "{folder}/../../../datasets/secret.csv",
        "",
    ],
)
def test_nothing_is_read_from_elsewhere(place: Place, elsewhere: str) -> None:
    uri, _ = place.land("m/a.csv", CSV)

    with pytest.raises(ContractError):
        place.datasets.add("m", elsewhere.format(folder=uri.rpartition("/")[0]))


def test_what_is_not_there_and_what_is_no_csv_is_said_so(place: Place) -> None:
    uri, _ = place.land("m/a.csv", b"")
    empty = place.datasets.add("m", uri)

    with pytest.raises(ContractError, match="empty"):
        place.datasets.profile(empty)
    with pytest.raises(NotFoundError):
        place.datasets.add("m", uri.replace("a.csv", "b.csv"))
    broken = place.datasets.add("m", *place.land("m/c.csv", b'a\n"1'))
    with pytest.raises(MlopsError):
        place.datasets.profile(broken)
