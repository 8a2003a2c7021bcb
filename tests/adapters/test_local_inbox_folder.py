"""The watched folder of this machine: which files it announces, and in which order."""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from function_app.adapters.local.data.datasets import LocalDatasets
from function_app.adapters.local.events import LocalEvents
from function_app.errors import ContractError


@dataclass
class KeptEvents:
    """A topic that keeps published events."""

    data: list[dict[str, Any]] = field(default_factory=list)

    def publish(self, kind: str, subject: str, content: dict[str, Any]) -> None:
        self.data.append(content)


def watch(state: Path, events: KeptEvents) -> LocalDatasets:
    datasets = LocalDatasets(state, state, cast(LocalEvents, events))
    datasets.announce()
    datasets.announce()
    return datasets


def test_a_file_that_is_restored_with_its_old_time_is_announced_as_the_newest(
    tmp_path: Path,
) -> None:
    events, path = KeptEvents(), tmp_path / "inbox" / "data" / "diabetes" / "new.csv"
    path.parent.mkdir(parents=True)
    for content in (b"a\n", b"b\n", b"a\n"):
        unfinished = tmp_path / "unfinished"
        unfinished.write_bytes(content)
        os.utime(unfinished, (1_000_000, 1_000_000))
        unfinished.replace(path)
        watch(tmp_path, events)

    etags = [data["eTag"] for data in events.data]
    assert len(etags) == 3
    assert etags[0] == etags[2] != etags[1]
    sequencers = [data["sequencer"] for data in events.data]
    assert sequencers == sorted(set(sequencers))


def test_a_file_is_announced_again_when_the_record_of_announcements_is_lost(
    tmp_path: Path,
) -> None:
    events, path = KeptEvents(), tmp_path / "inbox" / "data" / "diabetes" / "new.csv"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"a\n")
    watch(tmp_path, events)
    record = tmp_path / "announced.json"
    for content in (None, b"", b"{half", b"[1, 2]", b'{"data/diabetes/new.csv": "x"}'):
        if content is None:
            record.unlink()
        else:
            record.write_bytes(content)
        watch(tmp_path, events)

    assert len(events.data) == 6
    # The same content and the same time: the claim of the first announcement holds for all.
    assert len({(data["eTag"], data["sequencer"]) for data in events.data}) == 1


def test_a_folder_of_parts_is_announced_when_marker_and_parts_are_complete(tmp_path: Path) -> None:
    """A copy of a folder may bring the marker first."""
    events, folder = KeptEvents(), tmp_path / "inbox" / "data" / "diabetes" / "day"
    folder.mkdir(parents=True)
    datasets = LocalDatasets(tmp_path, tmp_path, cast(LocalEvents, events))

    def markers() -> list[dict[str, Any]]:
        return [data for data in events.data if data["url"].endswith("_SUCCESS")]

    (folder / "_SUCCESS").touch()
    (folder / "part-0.csv").write_bytes(b"a\n1\n")
    datasets.announce()
    (folder / "part-1.csv").write_bytes(b"a\n2\n")
    datasets.announce()
    assert markers() == []
    for _ in range(3):
        datasets.announce()
    assert len(markers()) == 1
    assert markers()[0]["contentLength"] == 8

    (folder / "part-1.csv").write_bytes(b"a\n3\n")
    for _ in range(3):
        datasets.announce()
    first, second = markers()
    assert first["eTag"] != second["eTag"]
    assert first["sequencer"] < second["sequencer"]
    found = datasets.find("data", "diabetes/day/_SUCCESS", second["eTag"])
    assert found is not None
    assert datasets.add("m", found.uri, second["eTag"]) == datasets.add("m", found.uri)


def test_parts_that_come_after_their_marker_or_go_are_announced(tmp_path: Path) -> None:
    events, folder = KeptEvents(), tmp_path / "inbox" / "data" / "diabetes" / "day"
    folder.mkdir(parents=True)
    datasets = LocalDatasets(tmp_path, tmp_path, cast(LocalEvents, events))

    def last_size() -> int:
        datasets.announce()
        datasets.announce()
        size: int = [d for d in events.data if d["url"].endswith("_SUCCESS")][-1]["contentLength"]
        return size

    (folder / "_SUCCESS").touch()
    sizes = [last_size()]
    (folder / "part-0.csv").write_bytes(b"a\n1\n")
    sizes.append(last_size())
    (folder / "part-1 late.csv").write_bytes(b"a\n20\n")
    sizes.append(last_size())
    (folder / "part-1 late.csv").unlink()
    sizes.append(last_size())

    assert sizes == [0, 4, 9, 4]
    orders = [d["sequencer"] for d in events.data if d["url"].endswith("_SUCCESS")]
    assert orders == sorted(set(orders))


def test_a_marker_of_an_earlier_version_is_announced_when_its_parts_change(tmp_path: Path) -> None:
    """Earlier versions trained on each part and recorded the marker as a file."""
    events, folder = KeptEvents(), tmp_path / "inbox" / "data" / "diabetes" / "day"
    folder.mkdir(parents=True)
    for name in ("part-0.csv", "_SUCCESS"):
        (folder / name).write_bytes(b"")
    states = {path: path.lstat() for path in folder.iterdir()}
    record = {
        path.relative_to(tmp_path / "inbox").as_posix(): [state.st_ctime_ns, state.st_size]
        for path, state in states.items()
    }
    (tmp_path / "announced.json").write_text(json.dumps(record))

    watch(tmp_path, events)
    assert events.data == []
    (folder / "part-0.csv").write_bytes(b"a\n1\n")
    watch(tmp_path, events)
    assert [d["url"].rpartition("/")[2] for d in events.data] == ["_SUCCESS", "part-0.csv"]


def test_a_part_whose_name_no_event_can_hold_stops_no_other_file(tmp_path: Path) -> None:
    events, folder = KeptEvents(), tmp_path / "inbox" / "data" / "diabetes" / "day"
    folder.mkdir(parents=True)
    (folder / "_SUCCESS").touch()
    (folder / os.fsdecode(b"part-\xff.csv")).write_bytes(b"a\n1\n")
    (folder / "z.csv").write_bytes(b"a\n1\n")

    datasets = watch(tmp_path, events)

    assert [d for d in events.data if d["url"].endswith("z.csv")]
    [marker] = [d for d in events.data if d["url"].endswith("_SUCCESS")]
    with pytest.raises(ContractError, match=r"part-\\xff\.csv is not UTF-8"):
        datasets.find("data", "diabetes/day/_SUCCESS", marker["eTag"])
    with pytest.raises(ContractError, match="Rename the file"):
        datasets.add("diabetes", (folder / "_SUCCESS").as_uri())
    assert len(datasets.list_folder("data", "diabetes/day")) == 3
