"""A folder of parts with its marker is one version of the data, on both platforms."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from function_app.adapters.local.data.datasets import LocalDatasets
from function_app.domain.events.arrivals import FileLimit
from function_app.errors import ConflictError, ContractError, NotFoundError, PlatformError
from platform_jobs.tables.tables import parse_table
from tests.azure_servers.azure import sdk_warnings
from tests.contracts.dataset_place import PROFILE, Place, azure_place, place

__all__ = ["azure_place", "place"]
pytestmark = sdk_warnings

ONE, TWO = b"a,Y\n1,2\n3,4\n", b"a,Y\n5,6\n"


def land(place: Place, folder: str, *parts: bytes) -> str:
    """Write parts and then their marker, as Spark does; return the address of the marker."""
    for number, content in enumerate(parts):
        place.land(f"{folder}/part-{number:05}.csv", content)
    return place.land(f"{folder}/_SUCCESS", b"")[0]


def stored(place: Place, uri: str) -> bytes:
    """Return the bytes of a version."""
    if "://" not in uri:
        return Path(uri).read_bytes()
    out = io.BytesIO()
    versions = place.datasets._versions  # type: ignore[attr-defined]
    versions.copy_at(versions.name_of(uri), "", None, out)
    return out.getvalue()


def test_the_parts_are_one_version_by_their_names_and_bytes(place: Place) -> None:
    kept = place.datasets.add("m", land(place, "m/a", TWO, ONE))
    again = place.datasets.add("m", land(place, "m/b", TWO, ONE))
    other = place.datasets.add("m", land(place, "m/c", ONE, TWO))

    assert kept == again
    assert kept.version != other.version
    content = stored(place, kept.uri)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.namelist() == ["part-00000.csv", "part-00001.csv"]
    assert parse_table(content).rows == (("5", "6"), ("1", "2"), ("3", "4"))
    place.datasets.accept(kept, PROFILE)
    assert place.datasets.latest("m") == kept == place.datasets.version("m", kept.version)


def test_other_files_of_the_folder_are_no_parts(place: Place) -> None:
    uri = land(place, "m/a", ONE)
    kept = place.datasets.add("m", uri)
    for name in (
        "_metadata",
        "part-1.csv.crc",
        "part-1.csv.tmp",
        "rows.csv",
        "sub/part-9.csv",
        "part-old/1.csv",
    ):
        place.land(f"m/a/{name}", TWO)

    assert place.datasets.add("m", uri) == kept


def test_a_marker_is_found_with_the_size_of_its_parts(place: Place) -> None:
    land(place, "m/a", ONE, TWO)

    found = place.datasets.find("data", "m/a/_SUCCESS")
    assert found is not None
    assert found.size == len(ONE) + len(TWO)
    [listed] = [f for f in place.datasets.list_folder("data", "m/a") if "_SUCCESS" in f.path]
    assert listed.etag == found.etag
    assert place.datasets.find("data", "m/a/_SUCCESS", found.etag) == found
    land(place, "m/a", TWO, ONE)
    with pytest.raises(ConflictError) as caught:
        place.datasets.find("data", "m/a/_SUCCESS", found.etag)
    assert caught.value.code == "DATA_CHANGED"
    with pytest.raises(ConflictError):
        place.datasets.add("m", found.uri, found.etag)


def test_a_marker_without_parts_is_no_data(place: Place) -> None:
    uri = land(place, "m/a")
    place.land("m/a/rows.csv", ONE)

    assert place.datasets.find("data", "m/a/_SUCCESS") is None
    assert place.datasets.find("data", "m/b/_SUCCESS") is None
    with pytest.raises(NotFoundError, match="part"):
        place.datasets.add("m", uri)


def test_the_limit_of_a_file_is_that_of_all_parts_together(place: Place) -> None:
    uri = land(place, "m/a", ONE, TWO)
    for most, fits in ((len(ONE) + len(TWO), True), (len(ONE) + len(TWO) - 1, False)):
        place.datasets._limit = FileLimit(most=most)  # type: ignore[attr-defined]
        if fits:
            assert place.datasets.add("m", uri).version
            continue
        for read in (
            lambda: place.datasets.add("m", uri),
            lambda: place.datasets.find("data", "m/a/_SUCCESS"),
        ):
            with pytest.raises(ContractError) as caught:
                read()
            assert caught.value.code == "TOO_LARGE"


class Meanwhile(FileLimit):
    """A limit that does something each time that the size of a folder is compared with it."""

    done: Callable[[], object]

    def check(self, name: str, size: int) -> None:
        super().check(name, size)
        if name == "m/a":
            self.done()


def test_in_azure_parts_that_change_while_they_are_read_are_read_again(azure_place: Place) -> None:
    """No event announces a part that is written after the marker."""
    uri = land(azure_place, "m/a", ONE, TWO)
    changes = [ONE, TWO, ONE]

    def change() -> None:
        if changes:
            azure_place.land("m/a/part-00001.csv", changes.pop())

    limit = Meanwhile(most=1000)
    object.__setattr__(limit, "done", change)
    azure_place.datasets._limit = limit  # type: ignore[attr-defined]
    with pytest.raises(PlatformError, match="changed meanwhile, 3 times"):
        azure_place.datasets.add("m", uri)
    changes.append(TWO + b"7,8\n")
    kept = azure_place.datasets.add("m", uri)

    assert parse_table(stored(azure_place, kept.uri)).rows[-1] == ("7", "8")


def test_a_part_that_is_no_file_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "inbox" / "data" / "m"
    folder.mkdir(parents=True)
    (folder / "_SUCCESS").touch()
    (folder / "part-0.csv").symlink_to("/etc/passwd")
    datasets = LocalDatasets(tmp_path, tmp_path, None)  # type: ignore[arg-type]

    with pytest.raises(ContractError, match="link out of its folder"):
        datasets.add("m", (folder / "_SUCCESS").as_uri())
