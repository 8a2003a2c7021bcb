"""The watched folder of this machine: which files it announces, and in which order."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from function_app.adapters.local.data.datasets import LocalDatasets
from function_app.adapters.local.events import LocalEvents


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
