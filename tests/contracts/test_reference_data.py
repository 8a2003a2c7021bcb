"""Reference data on both platforms: the sample, or the first data that is accepted."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from function_app.adapters.azure.reach.blobs import Blobs
from function_app.adapters.local.data.datasets import LocalDatasets
from function_app.adapters.local.events import LocalEvents
from function_app.domain.change.program import Program
from function_app.domain.codec import dump
from function_app.domain.training import Reference
from function_app.errors import (
    MlopsError,
)
from tests.azure_servers.azure import sdk_warnings
from tests.contracts.dataset_place import CSV, PROFILE, ROOT, Place, _beside, azure_place, place
from tests.shared_forks import shared_forks

__all__ = ["azure_place", "place"]
pytestmark = sdk_warnings


def test_the_first_data_that_is_accepted_is_the_reference_of_its_model_alone(
    place: Place,
) -> None:
    first = place.datasets.add("m", *place.land("m/a.csv", CSV))
    second = place.datasets.add("m", *place.land("m/b.csv", CSV + b"5,6\n"))
    place.datasets.accept(first, PROFILE)
    place.datasets.accept(second, replace(PROFILE, rows=4))

    assert place.datasets.reference("m") == Reference(dataset=first, profile=PROFILE)
    assert place.datasets.reference("other") is None


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
    programs = {
        "m": Program(module="training"),
        "without": Program(module="tests.stories.projects.without"),
    }
    forks = shared_forks()
    datasets = LocalDatasets(tmp_path, ROOT, LocalEvents("", ""), programs, forks=forks)

    assert datasets.ensure_reference("m") == "m: baseline.csv"
    assert datasets.ensure_reference("m") == "m: kept"
    assert datasets.ensure_reference("without").startswith("without: none yet")
    reference = datasets.reference("m")
    assert reference is not None
    assert reference.profile.rows == 442
    assert datasets.latest("m") == reference.dataset
    assert datasets.reference("without") is None
