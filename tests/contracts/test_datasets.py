"""What the datasets of every platform must do."""

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from function_app.adapters.azure.blobs import Blobs
from function_app.adapters.azure.connection import Connection
from function_app.adapters.azure.data_addresses import landed_name
from function_app.adapters.azure.datasets import AzureDatasets
from function_app.adapters.azure.workspace import Workspace
from function_app.adapters.local.datasets import LocalDatasets
from function_app.adapters.local.events import LocalEvents
from function_app.azure_settings import AzureSettings
from function_app.codec import dump
from function_app.domain.arrivals import Arrival
from function_app.domain.data_quality import ColumnProfile, DataProfile
from function_app.domain.training import Dataset, Reference
from function_app.errors import (
    ConflictError,
    ContractError,
    MlopsError,
    NotFoundError,
    PlatformError,
)
from function_app.ports import Datasets
from tests.azure_servers.arm import ArmServer
from tests.azure_servers.arm_ml import MachineLearning
from tests.azure_servers.azure import import_sdk, sdk_warnings
from tests.azure_servers.base import Answer, Request
from tests.azure_servers.names import settings_of_tests
from tests.azure_servers.tls import Tls

pytestmark = sdk_warnings

ROOT = Path(__file__).parents[2]
EARLY, LATE = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
CSV = b"a,Y\n1,2\n3,4\n,6\n"
PROFILE = DataProfile(
    rows=3,
    columns=(
        ColumnProfile(name="a", missing=1, mean=2.0, std=1.0),
        ColumnProfile(name="Y", missing=0, mean=4.0, std=1.6),
    ),
)


class Place:
    """Datasets, and how data lands there: `land(name, content)` returns uri and etag.

    `change(dataset, content)` and `remove(dataset)` are what nobody should do to a kept version.
    """

    def __init__(
        self,
        datasets: Datasets,
        land: Callable[[str, bytes], tuple[str, str]],
        change: Callable[[Dataset, bytes], object],
        remove: Callable[[Dataset], object],
        ml: MachineLearning | None = None,
    ) -> None:
        self.datasets, self.land, self.change, self._ml = datasets, land, change, ml
        self.remove = remove

    @property
    def ml(self) -> MachineLearning:
        """Return the workspace, which only Azure has."""
        assert self._ml is not None
        return self._ml


@pytest.fixture(params=["local", "azure"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "azure":
        place: Place = request.getfixturevalue("azure_place")
        return place
    inbox = tmp_path / "inbox" / "data"

    def land(name: str, content: bytes) -> tuple[str, str]:
        path = inbox / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path.as_uri(), hashlib.sha256(content).hexdigest()

    def change(dataset: Dataset, content: bytes) -> None:
        Path(dataset.uri).write_bytes(content)

    datasets = LocalDatasets(tmp_path, ROOT, LocalEvents("", ""))
    return Place(datasets, land, change, lambda dataset: Path(dataset.uri).unlink())


@pytest.fixture
def azure_place(connection: Connection, tls: Tls) -> Iterator[Place]:
    import_sdk()
    with ArmServer(tls) as arm:
        settings = replace(connection.settings, management_endpoint=arm.url)
        yield _azure(Connection(settings), MachineLearning(arm))


def _azure(connection: Connection, ml: MachineLearning) -> Place:
    landed = Blobs(connection, connection.settings.data_container)
    landed.ensure_container()
    Blobs(connection).ensure_container()

    def land(name: str, content: bytes) -> tuple[str, str]:
        landed.write(name, content)
        client: Any = landed._container()
        etag = client.get_blob_client(name).get_blob_properties().etag
        return landed.url(name), str(etag).strip('"')

    versions = Blobs(connection)

    def change(dataset: Dataset, content: bytes) -> None:
        versions.write(str(versions.name_of(dataset.uri)), content)

    def remove(dataset: Dataset) -> None:
        versions.delete(str(versions.name_of(dataset.uri)))

    return Place(AzureDatasets(Workspace(connection)), land, change, remove, ml)


def test_the_same_bytes_are_one_version_wherever_they_landed(place: Place) -> None:
    first = place.datasets.add("m", *place.land("m/a.csv", CSV))
    again = place.datasets.add("m", *place.land("m/a.csv", CSV))
    other = place.datasets.add("m", *place.land("m/sub/b.csv", CSV))

    assert first == again == other
    assert first.version == hashlib.sha256(CSV).hexdigest()
    assert place.datasets.add("m", *place.land("m/a.csv", CSV + b"5,6\n")) != first


def test_a_folder_lists_its_files_and_each_can_be_added(place: Place) -> None:
    odd = "m/new/a 50%.csv"
    place.land(odd, CSV)
    place.land("m/new/sub/b.csv", CSV + b"5,6\n")
    place.land("m/newer/c.csv", CSV)

    files = place.datasets.list_folder("data", "m/new")

    assert [(f.path, f.size) for f in files] == [
        (odd, len(CSV)),
        ("m/new/sub/b.csv", len(CSV) + 4),
    ]
    versions = [place.datasets.add("m", f.uri, f.etag).version for f in files]
    assert versions[0] == hashlib.sha256(CSV).hexdigest()
    assert place.datasets.list_folder("data", "m/none") == ()
    assert place.datasets.list_folder("elsewhere", "m/new") == ()


def test_a_file_that_changed_after_its_event_is_left_to_the_newer_one(place: Place) -> None:
    uri, etag = place.land("m/a.csv", CSV)
    place.land("m/a.csv", CSV + b"5,6\n")

    with pytest.raises(ConflictError) as caught:
        place.datasets.add("m", uri, etag)

    assert caught.value.code == "DATA_CHANGED"


def test_the_newest_is_what_was_accepted_last(place: Place) -> None:
    first = place.datasets.add("m", *place.land("m/a.csv", CSV))
    second = place.datasets.add("m", *place.land("m/b.csv", CSV + b"5,6\n"))
    place.datasets.accept(first, PROFILE)
    place.datasets.accept(second, PROFILE)
    place.datasets.accept(second, PROFILE)

    assert place.datasets.latest("m") == second


def test_a_model_without_data_has_none_and_is_told_what_to_do(place: Place) -> None:
    assert place.datasets.reference("m") is None
    with pytest.raises(NotFoundError, match=r"m has no data yet\. Put a CSV file"):
        place.datasets.latest("m")


def test_the_first_data_that_is_accepted_is_the_reference_of_its_model_alone(
    place: Place,
) -> None:
    first = place.datasets.add("m", *place.land("m/a.csv", CSV))
    second = place.datasets.add("m", *place.land("m/b.csv", CSV + b"5,6\n"))
    place.datasets.accept(first, PROFILE)
    place.datasets.accept(second, replace(PROFILE, rows=4))

    assert place.datasets.reference("m") == Reference(dataset=first, profile=PROFILE)
    assert place.datasets.reference("other") is None


def test_a_slow_story_does_not_replace_newer_data_by_its_own(place: Place) -> None:
    """The claims' order decides, whichever story accepts its data last."""
    uri, etag = place.land("m/a.csv", CSV)
    older = place.datasets.add("m", uri, etag)
    newer = place.datasets.add("m", *place.land("m/b.csv", CSV + b"7,8\n"))
    first, second = (
        Arrival(claimed_at=EARLY, uri=uri),
        Arrival(claimed_at=LATE, uri="file:///other.csv"),
    )

    place.datasets.accept(newer, PROFILE, second)
    place.datasets.accept(older, PROFILE, first)
    after_the_slow_one = place.datasets.latest("m")
    place.datasets.accept(older, PROFILE, replace(first, claimed_at=LATE + timedelta(seconds=1)))

    assert after_the_slow_one == newer
    assert place.datasets.latest("m") == older


def test_of_many_that_accept_at_once_the_newest_stays(place: Place) -> None:
    versions = [
        place.datasets.add("m", *place.land(f"m/{n}.csv", CSV + b"%d,1\n" % n)) for n in range(6)
    ]

    def accept(n: int) -> None:
        moment = EARLY + timedelta(seconds=n)
        place.datasets.accept(
            versions[n], PROFILE, Arrival(claimed_at=moment, uri=f"file:///{n}.csv")
        )

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(accept, [5, 0, 3, 1, 4, 2]))

    assert place.datasets.latest("m") == versions[5]


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"version": 1}', b"\xff\xfe"])
def test_a_garbled_record_of_the_newest_data_ends_with_a_reason_and_new_data_heals_it(
    place: Place, content: bytes
) -> None:
    dataset = place.datasets.add("m", *place.land("m/a.csv", CSV))
    place.datasets.accept(dataset, PROFILE, Arrival(claimed_at=LATE))
    place.change(_beside(dataset, "latest.json"), content)

    with pytest.raises(NotFoundError, match="does not name the newest data"):
        place.datasets.latest("m")
    place.datasets.accept(dataset, PROFILE, Arrival(claimed_at=EARLY))
    assert place.datasets.latest("m") == dataset


def test_a_deleted_record_of_the_newest_data_leads_to_the_reference_data(place: Place) -> None:
    first = place.datasets.add("m", *place.land("m/a.csv", CSV))
    second = place.datasets.add("m", *place.land("m/b.csv", CSV + b"5,6\n"))
    for dataset in (first, second):
        place.datasets.accept(dataset, PROFILE)
    place.remove(_beside(first, "latest.json"))

    assert place.datasets.latest("m") == first


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"dataset": 1}', b"\xff\xfe"])
def test_garbled_reference_data_ends_with_a_reason_and_deleted_one_is_made_anew(
    place: Place, content: bytes
) -> None:
    dataset = place.datasets.add("m", *place.land("m/a.csv", CSV))
    place.datasets.accept(dataset, PROFILE)
    reference = _beside(dataset, "reference.json")
    place.change(reference, content)

    with pytest.raises(MlopsError, match=r"Delete or restore|Restore .*delete") as caught:
        place.datasets.reference("m")
    assert "reference.json" in caught.value.message
    place.remove(reference)
    assert place.datasets.reference("m") is None
    place.datasets.accept(dataset, PROFILE)
    assert place.datasets.reference("m") == Reference(dataset=dataset, profile=PROFILE)


def test_a_deleted_version_is_added_again_by_the_same_file(place: Place) -> None:
    landed = place.land("m/a.csv", CSV)
    dataset = place.datasets.add("m", *landed)
    place.datasets.accept(dataset, PROFILE)
    place.remove(dataset)

    with pytest.raises(NotFoundError, match="is gone"):
        place.datasets.latest("m")
    assert place.datasets.add("m", *landed) == dataset
    assert place.datasets.latest("m") == dataset


def _beside(dataset: Dataset, name: str) -> Dataset:
    """Return what names a file beside a version, for `change` and `remove`."""
    return replace(dataset, uri=f"{dataset.uri.rpartition('/')[0]}/{name}")


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


def test_a_file_that_is_not_there_is_not_found(place: Place) -> None:
    uri, _ = place.land("m/a.csv", CSV)

    with pytest.raises(NotFoundError):
        place.datasets.add("m", uri.replace("a.csv", "b.csv"))


def test_a_kept_version_that_somebody_changed_is_not_taken(place: Place) -> None:
    dataset = place.datasets.add("m", *place.land("m/a.csv", CSV))
    place.datasets.accept(dataset, PROFILE)
    place.change(dataset, b"a,Y\n9,9\n")

    with pytest.raises(ContractError, match="was changed"):
        place.datasets.latest("m")


def test_a_file_that_is_too_large_is_refused(connection: Connection) -> None:
    landed = Blobs(connection, connection.settings.data_container)
    landed.ensure_container()
    landed.write("m/a.csv", CSV)

    with pytest.raises(ContractError, match=f"{len(CSV)} bytes; {len(CSV) - 1} are allowed"):
        landed.read_at("m/a.csv", "", len(CSV) - 1)
    assert landed.read_at("m/a.csv", "", len(CSV)) == CSV


def test_the_same_file_added_by_many_at_once_is_one_version(place: Place) -> None:
    uri, etag = place.land("m/a.csv", CSV)

    with ThreadPoolExecutor(6) as pool:
        found = set(pool.map(lambda _: place.datasets.add("m", uri, etag), range(6)))

    assert len(found) == 1


def test_a_version_is_an_asset_that_leads_back_to_its_bytes(azure_place: Place) -> None:
    for _ in range(2):
        dataset = azure_place.datasets.add("m", *azure_place.land("m/a.csv", CSV))

    ((path, asset),) = azure_place.ml.resources.items()
    assert path == f"/data/m-data/versions/{dataset.version[:32]}"
    assert asset["properties"]["tags"]["dataset"] == dataset.version
    kept = f"datastores/mlops/paths/datasets/m/{dataset.version}.csv"
    assert asset["properties"]["dataUri"].endswith(kept)
    assert len(azure_place.ml.arm.asked("PUT")) == 1


def test_an_asset_that_another_attempt_registered_is_found(azure_place: Place) -> None:
    uri, etag = azure_place.land("m/a.csv", CSV)
    ml, server = azure_place.ml, azure_place.ml.arm
    answer, lost = server.respond, [True]

    def lose_the_first_answer(request: Request) -> Answer:
        given = answer(request)
        if request.method == "PUT" and lost:
            lost.clear()
            return Answer(status=409, content={"error": {"code": "Conflict", "message": "there"}})
        return given

    server.respond = lose_the_first_answer

    dataset = azure_place.datasets.add("m", uri, etag)

    assert f"/data/m-data/versions/{dataset.version[:32]}" in ml.resources


def test_data_is_refused_while_the_workspace_refuses(azure_place: Place) -> None:
    uri, etag = azure_place.land("m/a.csv", CSV)
    refusal = {"error": {"code": "AuthorizationFailed", "message": "no"}}
    azure_place.ml.arm.respond = lambda _: Answer(status=403, content=refusal)

    with pytest.raises(PlatformError, match=r"data asset.*AuthorizationFailed.*role"):
        azure_place.datasets.add("m", uri, etag)


def test_the_sample_that_a_run_wrote_is_the_reference_before_any_data(azure_place: Place) -> None:
    sample = {"refused": "", "digest": hashlib.sha256(CSV).hexdigest(), "profile": dump(PROFILE)}
    versions: Blobs = azure_place.datasets._versions  # type: ignore[attr-defined]
    versions.write("runs/sample-m/sample/rows.csv", CSV)
    versions.write_json("runs/sample-m/sample/sample.json", sample)
    dataset = azure_place.datasets.add("m", *azure_place.land("m/b.csv", CSV + b"5,6\n"))

    newest = azure_place.datasets.latest("m")
    azure_place.datasets.accept(dataset, replace(PROFILE, rows=4))
    reference = azure_place.datasets.reference("m")

    assert newest.uri.endswith(f"/m/{newest.version}.csv"), "the watch of production finds it"
    assert reference is not None
    assert (reference.profile, reference.dataset.version) == (PROFILE, newest.version)


def test_a_model_without_a_sample_has_no_reference_before_its_first_data(
    azure_place: Place,
) -> None:
    versions: Blobs = azure_place.datasets._versions  # type: ignore[attr-defined]
    sample = {"refused": "sample ended with exit code 2", "profile": None}
    versions.write_json("runs/sample-m/sample/sample.json", sample)

    assert azure_place.datasets.reference("m") is None


def test_the_sample_of_the_models_own_code_is_the_reference_on_this_machine(
    tmp_path: Path,
) -> None:
    trainings = {"m": "training", "without": "tests.stories.projects.without"}
    datasets = LocalDatasets(tmp_path, ROOT, LocalEvents("", ""), trainings)

    assert datasets.ensure_reference("m") == "m: baseline.csv"
    assert datasets.ensure_reference("m") == "m: kept"
    assert datasets.ensure_reference("without").startswith("without: none yet")
    reference = datasets.reference("m")
    assert reference is not None
    assert reference.profile.rows == 442
    assert datasets.latest("m") == reference.dataset
    assert datasets.reference("without") is None


def lake_settings() -> AzureSettings:
    return settings_of_tests(Path("ca.pem"), blob_endpoint="https://acct.blob.core.windows.net")


def test_a_write_by_the_data_lake_api_is_the_same_blob() -> None:
    name = landed_name(lake_settings(), "https://acct.dfs.core.windows.net/data/m/a%20b.csv")

    assert name == "m/a b.csv"


def test_a_name_with_signs_is_read_as_the_storage_spells_it(azure_place: Place) -> None:
    uri, etag = azure_place.land("m/50% of + b c.csv", CSV)
    folder = uri.rpartition("/")[0]

    dataset = azure_place.datasets.add("m", f"{folder}/50%25%20of%20+%20b%20c.csv", etag)

    assert dataset.version == hashlib.sha256(CSV).hexdigest()


@pytest.mark.parametrize(
    "address",
    [
        "no address",
        "https://[",
        "https://acct.blob.core.windows.net:port/data/m/a.csv",
        "http://acct.blob.core.windows.net/data/m/a.csv",
        "https://acct.blob.core.windows.net:444/data/m/a.csv",
        "https://acct.blob.core.windows.net.example.org/data/m/a.csv",
        "https://other.blob.core.windows.net/data/m/a.csv",
        "https://someone@acct.blob.core.windows.net/data/m/a.csv",
        "https://acct.blob.core.windows.net/versions/m/a.csv",
        "https://acct.blob.core.windows.net/data-else/m/a.csv",
        "https://acct.blob.core.windows.net/data/",
        "https://acct.blob.core.windows.net/data/../versions/a.csv",
        "https://acct.blob.core.windows.net/data/%2e%2e/versions/a.csv",
        "https://acct.blob.core.windows.net/data/%2E%2E%2Fversions/a.csv",
        "https://acct.blob.core.windows.net/data/..%5Cversions/a.csv",
        "https://acct.blob.core.windows.net/data/m/a%00.csv",
        "https://acct.blob.core.windows.net/data/./m/a.csv",
        "https://acct.blob.core.windows.net/data//a.csv",
        "https://acct.blob.core.windows.net/data/m/a.csv#part",
    ],
)
def test_an_odd_address_is_refused_with_where_data_belongs(address: str) -> None:
    with pytest.raises(
        ContractError, match=r"Put the file under https://acct\.blob\.[a-z.]+/data/"
    ):
        landed_name(lake_settings(), address)


def test_a_signature_in_an_address_is_refused_and_never_shown() -> None:
    with pytest.raises(ContractError, match="has a query") as refused:
        landed_name(lake_settings(), "https://acct.blob.core.windows.net/data/a.csv?sig=hidden")

    assert "hidden" not in str(refused.value)
