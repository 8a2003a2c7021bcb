"""Ways in which a file arrives, and files beside it that are no data."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from function_app.domain.events.arrivals import MOST_FILES, Arrival, is_older, limited, why_no_data
from function_app.domain.events.events import (
    ArrivedFile,
    DataArrived,
    FolderArrived,
    NothingToDo,
    claim_key,
)
from function_app.domain.routing import Start, Targets, route, takes_folder
from function_app.errors import ContractError
from function_app.settings.settings import read_projects

PROJECTS = read_projects(Path(__file__).parents[2] / "mlops.toml")
RENAMED = DataArrived(
    source="/t", container="data", path="diabetes/rows-0.csv", uri="u", etag="", sequencer="1"
)
MOVED = FolderArrived(source="/t", container="data", path="diabetes/new", sequencer="1")


def starts(targets: Targets) -> list[str]:
    assert isinstance(targets, tuple)
    return [start.subject for start in targets if isinstance(start, Start)]


@pytest.mark.parametrize(
    ("path", "size"),
    [
        ("_temporary/_SUCCESS", 0),
        ("_SUCCESS/a.csv", 7),
        ("part-0", None),
        ("2026/part-0.csv", 7),
        ("_temporary/0/part-0.csv", 100),
        (".part-0.csv.crc", 12),
        ("2026/", 0),
        ("2026", 0),
        ("a.csv._COPYING_", None),
        ("a.csv.filepart", None),
        ("a.csv.TMP", 5),
    ],
)
def test_a_marker_or_a_temporary_file_starts_nothing(path: str, size: int | None) -> None:
    targets = route(replace(RENAMED, path=f"diabetes/{path}", size=size), PROJECTS)

    assert isinstance(targets, NothingToDo)
    assert targets.reason == why_no_data(path, size) != ""


@pytest.mark.parametrize(
    ("path", "size"),
    [
        (".curl.csv", None),
        ("a.csv", 0),
        ("a_b.csv", None),
        ("rows-0", None),
        ("rows-0", 7),
        ("_SUCCESS", 0),
        ("2026/_SUCCESS", None),
        ("2026/07/a.b.csv", 1),
    ],
)
def test_other_files_are_data(path: str, size: int | None) -> None:
    assert starts(route(replace(RENAMED, path=f"diabetes/{path}", size=size), PROJECTS))


def test_the_marker_of_a_model_s_own_folder_is_no_dead_letter() -> None:
    assert isinstance(route(replace(RENAMED, path="diabetes", size=0), PROJECTS), NothingToDo)


def test_a_file_renamed_to_one_name_twice_is_two_files() -> None:
    first, again = RENAMED, replace(RENAMED)
    second = replace(RENAMED, sequencer="2")

    assert claim_key(first, "m") == claim_key(again, "m") != claim_key(second, "m")


def test_each_data_file_of_a_renamed_folder_starts_a_training() -> None:
    files = tuple(
        ArrivedFile(path=f"diabetes/new/{name}", uri=name, etag=f"e-{name}", size=size)
        for name, size in (("_SUCCESS", 0), ("a.csv", 9), ("b.csv", 9), ("sub", 0))
    )

    assert starts(route(replace(MOVED, files=files), PROJECTS)) == [
        "/t/data/diabetes/new/a.csv",
        "/t/data/diabetes/new/b.csv",
    ]


def test_the_parts_of_a_renamed_folder_start_one_training() -> None:
    files = tuple(
        ArrivedFile(path=f"diabetes/new/{name}", uri=name, etag=f"e-{name}", size=9)
        for name in ("_SUCCESS", "part-0.csv", "part-1.csv", "other/_SUCCESS", "other/a.csv")
    )

    assert starts(route(replace(MOVED, files=files), PROJECTS)) == [
        "/t/data/diabetes/new/_SUCCESS",
        "/t/data/diabetes/new/other/a.csv",
    ]


def test_labels_of_a_renamed_folder_start_nothing() -> None:
    file = ArrivedFile(path="diabetes/labels/a.csv", uri="u", etag="e", size=9)

    moved = replace(MOVED, path="diabetes/labels", files=(file,))

    assert isinstance(route(moved, PROJECTS), NothingToDo)


def test_a_folder_above_the_model_s_brings_its_files() -> None:
    salt = replace(PROJECTS["diabetes"], prefix="teams/salt/")
    names = ("teams/salt/a.csv", "teams/pepper/a.csv")
    files = tuple(ArrivedFile(path=name, uri=name, etag="e", size=9) for name in names)

    moved = replace(MOVED, path="teams", files=files)

    assert starts(route(moved, {"salt": salt})) == ["/t/data/teams/salt/a.csv"]


def test_an_empty_folder_needs_nothing() -> None:
    targets = route(replace(MOVED, files=()), PROJECTS)

    assert targets == NothingToDo(reason="data/diabetes/new holds no file of data.")


@pytest.mark.parametrize("change", [{"path": "archive"}, {"path": "diabetes2"}, {"container": "x"}])
def test_a_folder_of_no_model_is_named(change: dict[str, str]) -> None:
    moved = replace(MOVED, **change)  # type: ignore[arg-type]

    assert not takes_folder(moved, PROJECTS)
    with pytest.raises(ContractError, match=r"No model in mlops\.toml takes data from") as caught:
        route(moved, PROJECTS)
    assert caught.value.code == "UNKNOWN_MODEL"


def test_a_folder_of_too_many_files_is_refused() -> None:
    files = [ArrivedFile(path=str(n), uri="", etag="", size=1) for n in range(MOST_FILES + 1)]

    assert len(limited(files[:-1])) == MOST_FILES
    with pytest.raises(ContractError, match="more than 1000 files"):
        limited(files)


def test_of_many_parts_only_the_first_counts_as_a_file() -> None:
    parts = [f"{folder}/part-{n:05}.csv" for folder in "ab" for n in range(MOST_FILES)]
    paths = [*parts, "a/_SUCCESS", "b/_SUCCESS", "part-1"]
    files = [ArrivedFile(path=path, uri="", etag="", size=1) for path in paths]

    left = [file.path for file in limited(files)]

    assert left == ["a/part-00000.csv", "b/part-00000.csv", *paths[-3:]]


def test_writes_of_one_file_are_sorted_by_the_storage_and_others_by_the_clock() -> None:
    early, late = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
    first = Arrival(claimed_at=late, uri="a", order="1")

    assert is_older(first, Arrival(claimed_at=early, uri="a", order="2"))
    assert not is_older(first, Arrival(claimed_at=early, uri="b", order="2"))
    assert is_older(Arrival(claimed_at=early, uri="a"), Arrival(claimed_at=late, uri="a"))
    assert not is_older(first, first)
