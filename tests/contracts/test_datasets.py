"""Versions of data on both platforms: one for the same bytes, the newest accepted last."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from function_app.adapters.azure.reach.blobs import Blobs
from function_app.adapters.azure.reach.connection import Connection
from function_app.domain.events.arrivals import Arrival, FileLimit
from function_app.errors import (
    ConflictError,
    ContractError,
    NotFoundError,
    PlatformError,
)
from tests.azure_servers.azure import sdk_warnings
from tests.azure_servers.base import Answer, Request
from tests.contracts.dataset_place import CSV, PROFILE, Place, _beside, azure_place, place

__all__ = ["azure_place", "place"]
pytestmark = sdk_warnings


EARLY = datetime(2026, 1, 1, tzinfo=UTC)


LATE = datetime(2026, 1, 2, tzinfo=UTC)


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
    with pytest.raises(NotFoundError, match=r"m has no data yet\. Put a CSV or Parquet file"):
        place.datasets.latest("m")


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


def test_the_newest_of_concurrent_acceptances_stays(place: Place) -> None:
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


def test_a_deleted_version_is_added_again_by_the_same_file(place: Place) -> None:
    landed = place.land("m/a.csv", CSV)
    dataset = place.datasets.add("m", *landed)
    place.datasets.accept(dataset, PROFILE)
    place.remove(dataset)

    with pytest.raises(NotFoundError, match="is gone"):
        place.datasets.latest("m")
    assert place.datasets.add("m", *landed) == dataset
    assert place.datasets.latest("m") == dataset


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

    with pytest.raises(ContractError, match=f"{len(CSV)} bytes; the limit is {len(CSV) - 1}"):
        landed.read_at("m/a.csv", "", FileLimit(most=len(CSV) - 1))
    assert landed.read_at("m/a.csv", "", FileLimit(most=len(CSV))) == CSV


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


def test_a_stored_version_is_found_until_its_bytes_are_others_or_gone(place: Place) -> None:
    kept = place.datasets.add("m", *place.land("m/a.csv", CSV))
    place.datasets.add("m", *place.land("m/b.csv", CSV + b"5,6\n"))

    assert place.datasets.version("m", kept.version) == kept
    with pytest.raises(NotFoundError):
        place.datasets.version("other", kept.version)
    for odd in ("", "../m/latest", "0" * 64):
        with pytest.raises((NotFoundError, ContractError)):
            place.datasets.version("m", odd)
    place.change(kept, b"other bytes")
    with pytest.raises(ContractError, match="was changed"):
        place.datasets.version("m", kept.version)
    place.remove(kept)
    with pytest.raises(NotFoundError, match="is gone"):
        place.datasets.version("m", kept.version)
