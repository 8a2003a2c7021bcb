"""Attacks by size: wide tables, huge files, what is no file."""

import gzip
import json
import os
import resource
import socket
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from function_app.adapters.csv_rows import MAX_LABEL_BYTES, read_labels
from function_app.adapters.local.data.datasets import MAX_BYTES, LocalDatasets
from function_app.adapters.local.data.observations import LocalRecords
from function_app.adapters.local.events import choose_events
from function_app.domain.events.inbox import Outcome
from function_app.errors import ContractError
from function_app.ports import Ports
from platform_jobs.limits import MAX_COLUMNS
from platform_jobs.prepare import prepare
from tests.attacks.attack import attack
from tests.triggers.office import ROOT, Office

# What an honest reader of a refused file needs, far below the files of these attacks.
LITTLE = 16 * 1024 * 1024


class Inbox:
    """A invocation over a real inbox folder of this machine, whose own events it takes."""

    def __init__(self, folder: Path) -> None:
        self.office, self.state = Office(folder), folder / "state"
        events = choose_events("", "", self.office.inbox, self.office.clock)
        self.datasets = LocalDatasets(self.state, folder, events)
        ports = replace(self.office.ports, datasets=self.datasets)
        self.office.invocation = replace(self.office.invocation, ports=cast(Ports, ports))
        self.folder = self.state / "inbox" / "data" / "diabetes"
        self.folder.mkdir(parents=True)

    def watch(self) -> list[tuple[str, str]]:
        """Look twice, take the events, and return the subject and the code of each refused one."""
        for _ in range(2):
            self.datasets.announce()
        self.office.clock.moment = self.office.clock.moment.replace(minute=5)
        self.office.sweep()
        refused = self.office.inbox.list_events(Outcome.REFUSED)
        return sorted((e.payload["subject"].rpartition("/")[2], e.code or "") for e in refused)


def make_fifo(path: Path) -> None:
    os.mkfifo(path)


def make_socket(path: Path) -> None:
    # The path of a socket may have 107 bytes only.
    here = Path.cwd()
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(here)


def make_link_out(path: Path) -> None:
    path.symlink_to(ROOT / "README.md")


def make_link_to_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def make_link_to_folder(path: Path) -> None:
    path.symlink_to(ROOT / "docs")


def make_large(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(700_000_000)


ODD: dict[str, tuple[Callable[[Path], None], str]] = {
    "fifo": (make_fifo, "NOT_A_FILE"),
    "socket": (make_socket, "NOT_A_FILE"),
    "link out of the inbox": (make_link_out, "NOT_A_FILE"),
    "link to a device": (make_link_to_device, "NOT_A_FILE"),
    "link to a folder": (make_link_to_folder, "NOT_A_FILE"),
    "700 MB": (make_large, "TOO_LARGE"),
}


@attack(
    point=10,
    does="puts a FIFO, a socket, a link to elsewhere or 700 MB into the inbox",
    answer="its event is refused, NOT_A_FILE or TOO_LARGE; a finding names it; nothing reads it",
    log="refused: NOT_A_FILE, TOO_LARGE",
    before="succeeded",
    by="trial",
)
@pytest.mark.parametrize("kind", ODD)
def test_what_is_no_file_of_data_is_refused_unread(tmp_path: Path, kind: str) -> None:
    make, code = ODD[kind]
    inbox = Inbox(tmp_path)
    make(inbox.folder / "odd.csv")
    (inbox.folder / "honest.csv").write_text("a,Y\n1,2\n")

    tracemalloc.start()
    try:
        refused = inbox.watch()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert refused == [("odd.csv", code)]
    assert len(inbox.office.stories.started) == 1, "the honest file beside it"
    [finding] = inbox.datasets.list_unreadable()
    assert finding.startswith("data/diabetes/odd.csv: odd.csv ")
    assert peak < LITTLE


@attack(
    point=10,
    does="asks for a training on a FIFO, a socket, a link to elsewhere or 700 MB by address",
    answer="refused, NOT_A_FILE or TOO_LARGE, or not in the inbox; the story does not hang",
    log="none: the story's outcome has the reason",
    before="succeeded",
)
@pytest.mark.parametrize("kind", ODD)
def test_no_story_hangs_on_what_is_no_file(tmp_path: Path, kind: str) -> None:
    make, _ = ODD[kind]
    inbox = Inbox(tmp_path)
    path = inbox.folder / ".odd.csv"
    make(path)

    tracemalloc.start()
    try:
        with pytest.raises(ContractError):
            inbox.datasets.add("diabetes", path.as_uri())
        with pytest.raises(ContractError):
            inbox.datasets.find("data", "diabetes/.odd.csv")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < LITTLE
    assert not list((inbox.state / "datasets").rglob("*.csv"))


@attack(
    point=10,
    does="renames a folder with a FIFO and a huge file in it into the inbox",
    answer="the other files are taken; a finding names these",
    log="none: the findings name them",
    before="succeeded",
    by="trial",
)
def test_a_folder_with_odd_entries_is_listed(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path)
    make_fifo(inbox.folder / "pipe.csv")
    make_large(inbox.folder / "large.csv")
    (inbox.folder / "a.csv").write_text("a,Y\n1,2\n")

    listed = inbox.datasets.list_folder("data", "diabetes")

    assert len([file for file in listed if file.etag != "unreadable"]) == 1
    assert len(inbox.datasets.list_unreadable()) == 2


def make_large_labels(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(MAX_LABEL_BYTES + 1)


@attack(
    point=10,
    does="puts a FIFO, a link to elsewhere or a huge file into the folder of labels",
    answer="a finding `unreadable labels`; the comparison goes on",
    log="none: the finding is the record",
    before="succeeded",
)
@pytest.mark.parametrize("make", [make_fifo, make_link_out, make_link_to_device, make_large_labels])
def test_labels_are_regular_files(tmp_path: Path, make: Callable[[Path], None]) -> None:
    office = Office(tmp_path)
    project = office.invocation.projects["diabetes"]
    folder = tmp_path / "state" / "inbox" / project.container / project.labels
    folder.mkdir(parents=True)
    make(folder / "odd.csv")
    records = LocalRecords(tmp_path / "state")

    [place] = records.label_files(project)
    with pytest.raises(ContractError), records.labels(place):
        pass


@attack(
    point=10,
    does="sends labels with 200,000 columns, a line of 2 MB or a million rows",
    answer="a finding `unreadable labels` with the reason",
    log="none: the finding is the record",
    before="succeeded",
)
@pytest.mark.parametrize(
    "text",
    [
        ",".join(f"c{n}" for n in range(200_000)) + "\n",
        "id,Y\n" + "x" * 2_000_000 + ",1\n",
        "id,Y\n" + '"' + "x" * 200_000 + '",1\n',
        "id,Y\n" + "a,1\n" * 1_000_000,
    ],
    ids=["wide", "long line", "long cell", "many"],
)
def test_labels_are_read_within_limits(tmp_path: Path, text: str) -> None:
    (tmp_path / "labels.csv").write_text(text)
    with (
        (tmp_path / "labels.csv").open("rb") as file,
        pytest.raises(ContractError, match=r"column|characters|CSV|labels|number"),
    ):
        read_labels(file, "Y")


@attack(
    point=10,
    does="sends a CSV of 1.9 MB with 200,000 columns",
    answer="rejected by its header: the count, the limit and what to do",
    log="none: the story's outcome has the reason",
    before="succeeded",
    by="trial",
)
@pytest.mark.parametrize("mark", [",", ";", "\t", "|", ":"])
@pytest.mark.parametrize("names", ["numbered", "the same"])
def test_a_wide_table_is_refused_by_its_header(tmp_path: Path, mark: str, names: str) -> None:
    header = [f"c{n}" if names == "numbered" else f"c{n // 2}" for n in range(200_000)]
    (tmp_path / "wide.csv").write_text(mark.join(header) + "\n" + mark.join(["1"] * 200_000) + "\n")

    content = prepare(tmp_path / "wide.csv", "Y", "diabetes", tmp_path / "out")

    assert content["profile"] is None
    assert "200000 columns or more" in content["refused"]
    assert f"at most {MAX_COLUMNS} are read" in content["refused"]


@attack(
    point=10,
    does="sends a small gzip that unpacks to a table of hundreds of megabytes",
    answer="rejected: it takes more memory than a job may have; the host's memory is untouched",
    log="none: the story's outcome has the reason",
    before="succeeded",
)
def test_a_bomb_ends_its_own_job_only(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "bomb.csv", "wb", compresslevel=1) as file:
        file.write(b"a,Y\n")
        for _ in range(60):
            file.write(b"1,2\n" * 250_000)

    def limit() -> None:
        # As on a small machine: the job's own limit is higher than this test's should be.
        resource.setrlimit(resource.RLIMIT_DATA, (300 << 20, 300 << 20))

    words = ["prepare", "--data", "bomb.csv", "--target", "Y", "--key", "m", "--out", "out"]
    ended = subprocess.run(
        [sys.executable, "-m", "platform_jobs", *words],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        preexec_fn=limit,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 0, ended.stderr
    content = json.loads((tmp_path / "out" / "prepared.json").read_text())
    assert content["profile"] is None
    assert "of memory to read. Split it" in content["refused"]


@attack(
    point=10,
    does="names a FIFO as the data of a job",
    answer="exit code 2 with the reason",
    log="none: the job's output has the reason",
    before="succeeded",
    by="trial",
)
def test_a_job_reads_regular_files_only(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")

    content = prepare(tmp_path / "pipe.csv", "Y", "diabetes", tmp_path / "out")

    assert content["refused"] == "pipe.csv is no regular file. Give a CSV file."


def test_the_largest_file_is_taken(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path)
    path = inbox.folder / ".largest.csv"
    with path.open("wb") as file:
        file.truncate(MAX_BYTES)

    tracemalloc.start()
    try:
        dataset = inbox.datasets.add("diabetes", path.as_uri())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert Path(dataset.uri).stat().st_size == MAX_BYTES
    assert peak < LITTLE
