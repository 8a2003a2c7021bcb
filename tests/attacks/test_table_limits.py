"""Attacks by the size of labels and tables, and by files that are no tables."""

import gzip
import io
import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from function_app.adapters.azure.data.observations import AzureRecords
from function_app.adapters.csv_rows import LABEL_LIMIT, read_labels
from function_app.adapters.local.data.observations import LocalRecords
from function_app.domain.data_quality import Prepared
from function_app.domain.training import RunStatus
from function_app.errors import ContractError
from platform_jobs.limits import MAX_COLUMNS
from platform_jobs.prepare import prepare
from tests.attacks.attack import SAME, attack, no_equivalent
from tests.attacks.hostile_code import PREPARED, PROJECTS, dataset
from tests.attacks.hostile_files import make_fifo, make_link_out, make_link_to_device
from tests.azure_servers.azure import Azure, azure, sdk_warnings
from tests.azure_servers.compute import Compute
from tests.triggers.office import ROOT, Office

__all__ = ["azure"]
pytestmark = sdk_warnings


def make_large_labels(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(LABEL_LIMIT.most + 1)


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
    by="trial",
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
    by="trial",
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
    answer="rejected by its header, with the count, the limit and the remedy",
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
    by="trial",
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

    assert content["refused"] == "pipe.csv is not a regular file. Give a CSV file."
