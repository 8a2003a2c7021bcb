"""Attacks by size: wide tables, huge files, what is no file."""

import gzip
import io
import json
import os
import resource
import socket
import subprocess
import sys
import tracemalloc
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest

from function_app.adapters.azure.data.datasets import AzureDatasets
from function_app.adapters.azure.data.observations import AzureRecords
from function_app.adapters.azure.reach.workspace import Workspace
from function_app.adapters.csv_rows import MAX_LABEL_BYTES, read_labels
from function_app.adapters.local.data.datasets import MAX_BYTES, LocalDatasets
from function_app.adapters.local.data.observations import LocalRecords
from function_app.adapters.local.events import choose_events
from function_app.domain.data_quality import Prepared
from function_app.domain.events.inbox import Outcome
from function_app.domain.training import RunStatus
from function_app.errors import ContractError
from function_app.ports import Datasets, Ports
from platform_jobs.limits import MAX_COLUMNS
from platform_jobs.prepare import prepare
from tests.attacks.attack import SAME, attack, no_equivalent
from tests.attacks.hostile_code import PREPARED, PROJECTS, dataset
from tests.attacks.hostile_events import blob
from tests.azure_servers.azure import Azure, azure, sdk_warnings
from tests.azure_servers.compute import Compute
from tests.triggers.office import ROOT, Office

__all__ = ["azure"]
pytestmark = sdk_warnings
# What an honest reader of a refused file needs, far below the files of these attacks.
LITTLE = 16 * 1024 * 1024


class Inbox(ABC):
    """An invocation over real datasets of a platform, and a folder of files that land there."""

    def __init__(self, folder: Path, datasets: Callable[["Inbox"], Datasets]) -> None:
        self.office, self.folder = Office(folder), folder / "landing"
        self.folder.mkdir()
        self.datasets = datasets(self)
        ports = replace(self.office.ports, datasets=self.datasets)
        self.office.invocation = replace(self.office.invocation, ports=cast(Ports, ports))

    def refused(self) -> list[tuple[str, str]]:
        """Return the subject and the code of each refused event."""
        refused = self.office.inbox.list_events(Outcome.REFUSED)
        return sorted((e.payload["subject"].rpartition("/")[2], e.code or "") for e in refused)

    @abstractmethod
    def land(self, name: str, make: Callable[[Path], object]) -> str:
        """Let what `make` writes land under this name; return its address."""

    @abstractmethod
    def watch(self) -> None:
        """Take the events of what has landed."""

    @abstractmethod
    def versions(self) -> list[str]:
        """Return the names of kept data."""


class LocalInbox(Inbox):
    """The inbox folder of this machine, whose own events are taken."""

    def __init__(self, folder: Path) -> None:
        self.state = folder / "state"

        def make(inbox: Inbox) -> LocalDatasets:
            events = choose_events("", "", inbox.office.inbox, inbox.office.clock)
            return LocalDatasets(self.state, folder, events)

        super().__init__(folder, make)
        self._landed = self.state / "inbox" / "data" / "diabetes"
        self._landed.mkdir(parents=True)

    def land(self, name: str, make: Callable[[Path], object]) -> str:
        make(self._landed / name)
        return (self._landed / name).as_uri()

    def watch(self) -> None:
        for _ in range(2):
            self.datasets.announce()
        self.office.clock.moment = self.office.clock.moment.replace(minute=5)
        self.office.sweep()

    def versions(self) -> list[str]:
        return [str(path) for path in (self.state / "datasets").rglob("*.csv")]


class CloudInbox(Inbox):
    """The container of data in Azure, of which Event Grid tells."""

    def __init__(self, folder: Path, azure: Azure) -> None:
        self._blobs, self._names = azure.blobs, list[str]()
        azure.blobs.containers["data"] = {}
        super().__init__(folder, lambda _: AzureDatasets(Workspace(azure.connection())))

    def land(self, name: str, make: Callable[[Path], object]) -> str:
        path = self.folder / name
        make(path)
        size = path.stat().st_size
        # Zeros that are not written take no memory.
        content = bytes(size) if size > LITTLE else path.read_bytes()
        self._blobs.put("data", f"diabetes/{name}", content)
        self._names.append(name)
        return f"{self._blobs.url}/data/diabetes/{name}"

    def watch(self) -> None:
        for number, name in enumerate(self._names):
            claim = blob(f"diabetes/{name}", eTag=self._blobs.etag("data", f"diabetes/{name}"))
            self.office.take({**claim, "id": str(number)})

    def versions(self) -> list[str]:
        return [n for n in self._blobs.containers["versions"] if n.endswith(".csv")]


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


# Blob storage keeps files only: of these attacks it knows the size.
EVERYWHERE = [*(("local", kind) for kind in ODD), ("azure", "700 MB")]


@pytest.fixture
def make_inbox(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], Inbox]:
    """Makes the inbox of the platform of this name."""

    def make(platform: str) -> Inbox:
        if platform == "azure":
            return CloudInbox(tmp_path, request.getfixturevalue("azure"))
        return LocalInbox(tmp_path)

    return make


def honest(path: Path) -> None:
    path.write_text("a,Y\n1,2\n")


@attack(
    point=10,
    does="puts a FIFO, a socket, a link to elsewhere or 700 MB into the inbox",
    answer="its event is refused, NOT_A_FILE or TOO_LARGE; on one machine a finding names it; "
    "nothing reads it",
    log="refused: NOT_A_FILE, TOO_LARGE",
    before="succeeded",
    azure=SAME,
    by="trial",
)
@pytest.mark.parametrize(("platform", "kind"), EVERYWHERE)
def test_what_is_no_file_of_data_is_refused_unread(
    make_inbox: Callable[[str], Inbox], platform: str, kind: str
) -> None:
    make, code = ODD[kind]
    inbox = make_inbox(platform)
    inbox.land("odd.csv", make)
    inbox.land("honest.csv", honest)

    tracemalloc.start()
    try:
        inbox.watch()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert inbox.refused() == [("odd.csv", code)]
    assert len(inbox.office.stories.started) == 1, "the honest file beside it"
    findings = inbox.datasets.list_unreadable()
    # In Azure the refused event is the only record.
    assert [f.partition(": ")[0] for f in findings] == ["data/diabetes/odd.csv"][
        platform == "azure" :
    ]
    assert peak < LITTLE


@attack(
    point=10,
    does="asks for a training on a FIFO, a socket, a link to elsewhere or 700 MB by address",
    answer="refused, NOT_A_FILE or TOO_LARGE, or not in the inbox; the story does not hang",
    log="none: the story's outcome has the reason",
    before="succeeded",
    azure=SAME,
)
@pytest.mark.parametrize(("platform", "kind"), EVERYWHERE)
def test_no_story_hangs_on_what_is_no_file(
    make_inbox: Callable[[str], Inbox], platform: str, kind: str
) -> None:
    make, _ = ODD[kind]
    inbox = make_inbox(platform)
    address = inbox.land(".odd.csv", make)

    tracemalloc.start()
    try:
        with pytest.raises(ContractError):
            inbox.datasets.add("diabetes", address)
        with pytest.raises(ContractError):
            inbox.datasets.find("data", "diabetes/.odd.csv")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < LITTLE
    assert inbox.versions() == []


@attack(
    point=10,
    does="renames a folder with a FIFO and a huge file in it into the inbox",
    answer="the other files are taken; these are not, and on one machine a finding names them",
    log="none: the findings name them",
    before="succeeded",
    azure=SAME,
    by="trial",
)
@pytest.mark.parametrize(
    ("platform", "odd"), [("local", ("fifo", "700 MB")), ("azure", ("700 MB",))]
)
def test_a_folder_with_odd_entries_is_listed(
    make_inbox: Callable[[str], Inbox], platform: str, odd: tuple[str, ...]
) -> None:
    inbox = make_inbox(platform)
    for kind in odd:
        inbox.land(f"{kind[:4]}.csv", ODD[kind][0])
    inbox.land("a.csv", honest)

    taken = []
    for file in inbox.datasets.list_folder("data", "diabetes"):
        with suppress(ContractError):
            taken.append(inbox.datasets.add("diabetes", file.uri))

    assert len(taken) == len(inbox.versions()) == 1
    assert len(inbox.datasets.list_unreadable()) == (2 if platform == "local" else 0)


def make_large_labels(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(MAX_LABEL_BYTES + 1)


class Labels:
    """The labels of a platform, as its observations read them."""

    def __init__(self, folder: Path, azure: Azure | None) -> None:
        office = Office(folder)
        self._project = office.invocation.projects["diabetes"]
        self._folder, self._azure = folder, azure
        self._records: LocalRecords | AzureRecords = LocalRecords(folder / "state")
        if azure is not None:
            self._records = AzureRecords(azure.connection(), lambda: datetime.now(UTC))

    def land(self, make: Callable[[Path], object]) -> None:
        """Let a file of labels land."""
        landed = self._folder / "state" / "inbox" / self._project.container / self._project.labels
        landed.mkdir(parents=True)
        path = landed / "odd.csv"
        make(path)
        if self._azure is not None:
            name = f"{self._project.labels}/odd.csv"
            self._azure.blobs.put(self._project.container, name, path.read_bytes())

    def read(self) -> None:
        """Read the only file of labels."""
        [place] = self._records.label_files(self._project)
        with self._records.labels(place) as file:
            read_labels(file, "Y")


@pytest.fixture
def make_labels(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], Labels]:
    """Makes the labels of the platform of this name."""

    def make(platform: str) -> Labels:
        azure = request.getfixturevalue("azure") if platform == "azure" else None
        return Labels(tmp_path, azure)

    return make


@attack(
    point=10,
    does="puts a FIFO, a link to elsewhere or a huge file into the folder of labels",
    answer="a finding `unreadable labels`; the comparison goes on",
    log="none: the finding is the record",
    before="succeeded",
    azure=SAME,
)
@pytest.mark.parametrize(
    ("platform", "make"),
    [
        ("local", make_fifo),
        ("local", make_link_out),
        ("local", make_link_to_device),
        ("local", make_large_labels),
        ("azure", make_large_labels),
    ],
)
def test_labels_are_regular_files(
    make_labels: Callable[[str], Labels], platform: str, make: Callable[[Path], None]
) -> None:
    labels = make_labels(platform)
    labels.land(make)

    with pytest.raises(ContractError, match=r"odd\.csv"):
        labels.read()


@attack(
    point=10,
    does="sends labels with 200,000 columns, a line of 2 MB or a million rows",
    answer="a finding `unreadable labels` with the reason",
    log="none: the finding is the record",
    before="succeeded",
    azure=SAME,
)
@pytest.mark.parametrize("platform", ["local", "azure"])
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
def test_labels_are_read_within_limits(
    make_labels: Callable[[str], Labels], platform: str, text: str
) -> None:
    labels = make_labels(platform)
    labels.land(lambda path: path.write_text(text))

    with pytest.raises(ContractError, match=r"column|characters|CSV|labels|number"):
        labels.read()


def prepared_in_azure(azure: Azure, content: bytes, memory: int | None = None) -> Prepared:
    """Prepare a file on a node of Azure ML, whose processes may have so many kilobytes."""
    jobs = replace(azure, projects=PROJECTS).jobs()
    jobs.submit_preparation(PREPARED, dataset(azure, content), "Y", {})
    log = Compute(azure.ml, azure.blobs, memory).run(PREPARED)
    assert jobs.get(PREPARED).status is RunStatus.COMPLETED, log
    return jobs.prepared(PREPARED)


def wide_table(mark: str, names: str) -> str:
    header = [f"c{n}" if names == "numbered" else f"c{n // 2}" for n in range(200_000)]
    return mark.join(header) + "\n" + mark.join(["1"] * 200_000) + "\n"


@attack(
    point=10,
    does="sends a CSV of 1.9 MB with 200,000 columns",
    answer="rejected by its header: the count, the limit and what to do",
    log="none: the story's outcome has the reason",
    before="succeeded",
    azure=SAME,
    by="trial",
)
@pytest.mark.parametrize(
    ("platform", "mark", "names"),
    [
        *(("local", mark, "numbered") for mark in (",", ";", "\t", "|", ":")),
        *(("local", mark, "the same") for mark in (",", ";", "\t", "|", ":")),
        ("azure", ",", "numbered"),
    ],
)
def test_a_wide_table_is_refused_by_its_header(
    request: pytest.FixtureRequest, tmp_path: Path, platform: str, mark: str, names: str
) -> None:
    text = wide_table(mark, names)
    if platform == "azure":
        refused = prepared_in_azure(request.getfixturevalue("azure"), text.encode()).refused
    else:
        (tmp_path / "wide.csv").write_text(text)
        content = prepare(tmp_path / "wide.csv", "Y", "diabetes", tmp_path / "out")
        assert content["profile"] is None
        refused = content["refused"]

    assert "200000 columns or more" in refused
    assert f"at most {MAX_COLUMNS} are read" in refused


# As on a small machine: the job's own limit is higher than a test's should be.
SMALL = 300 << 20


def bomb() -> bytes:
    """Return a small gzip of a table of 60 MB of text, which takes gigabytes as cells."""
    out = io.BytesIO()
    with gzip.open(out, mode="wb", compresslevel=1) as file:
        file.write(b"a,Y\n")
        for _ in range(60):
            file.write(b"1,2\n" * 250_000)
    return out.getvalue()


@attack(
    point=10,
    does="sends a small gzip that unpacks to a table of hundreds of megabytes",
    answer="rejected: it takes more memory than a job may have; the host's memory is untouched",
    log="none: the story's outcome has the reason",
    before="succeeded",
    azure=SAME,
)
@pytest.mark.parametrize("platform", ["local", "azure"])
def test_a_bomb_ends_its_own_job_only(
    request: pytest.FixtureRequest, tmp_path: Path, platform: str
) -> None:
    if platform == "azure":
        azure = request.getfixturevalue("azure")
        refused = prepared_in_azure(azure, bomb(), SMALL >> 10).refused
    else:
        (tmp_path / "bomb.csv").write_bytes(bomb())
        words = ["prepare", "--data", "bomb.csv", "--target", "Y", "--key", "m", "--out", "out"]
        ended = subprocess.run(
            [sys.executable, "-m", "platform_jobs", *words],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (SMALL, SMALL)),
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr
        content = json.loads((tmp_path / "out" / "prepared.json").read_text())
        assert content["profile"] is None
        refused = content["refused"]

    assert "of memory to read. Split it" in refused


@attack(
    point=10,
    does="names a FIFO as the data of a job",
    answer="exit code 2 with the reason",
    log="none: the job's output has the reason",
    before="succeeded",
    azure=no_equivalent("Azure ML downloads blobs, which are regular files on the node."),
    by="trial",
)
def test_a_job_reads_regular_files_only(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")

    content = prepare(tmp_path / "pipe.csv", "Y", "diabetes", tmp_path / "out")

    assert content["refused"] == "pipe.csv is no regular file. Give a CSV file."


def test_the_largest_file_is_taken(tmp_path: Path) -> None:
    inbox = LocalInbox(tmp_path)

    def make(path: Path) -> None:
        with path.open("wb") as file:
            file.truncate(MAX_BYTES)

    address = inbox.land(".largest.csv", make)
    tracemalloc.start()
    try:
        dataset = inbox.datasets.add("diabetes", address)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert Path(dataset.uri).stat().st_size == MAX_BYTES
    assert peak < LITTLE
