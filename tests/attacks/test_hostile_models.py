"""Attacks by the files and the output of judged code on the programs that read them."""

import io
import os
from pathlib import Path

import pytest

from function_app.adapters.local.jobs.run_log import copy_redacted, cut
from platform_jobs.errors import ContractError
from platform_jobs.files import MOST_LEVELS, check_plain
from sandbox.trees import remove_tree
from tests.attacks.attack import ONLY, attack, no_equivalent
from tests.attacks.judges import CloudJudge
from tests.azure_servers.azure import Azure, azure, sdk_warnings

__all__ = ["azure"]
pytestmark = sdk_warnings

LINE = b"A" * 65_535 + b"\n"


class Endless(io.RawIOBase):
    """A command's output: this many bytes of long lines."""

    def __init__(self, size: int) -> None:
        self._left = size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        count = min(len(buffer), len(LINE), self._left)
        buffer[:count] = LINE[len(LINE) - count :]
        self._left -= count
        return count

    @property
    def is_read(self) -> bool:
        return self._left == 0


@attack(
    point=5,
    does="writes a model folder with names that are not text, folders without end, or a file for "
    "each of a million names",
    answer="the training ends as rejected, with the name or the number",
    log="the story's reason",
    before="succeeded",
    azure=no_equivalent("names of blobs are text; the next row has the names that blobs can have."),
    by="trial",
)
@pytest.mark.parametrize(
    ("name", "words"),
    [
        (b"\xff\xfe", "cannot be printed"),
        (b"\x1b[31mred", "cannot be printed"),
        (b"a\nINFO forged", "cannot be printed"),
        (b"d/" * (MOST_LEVELS + 2) + b"x", "nested"),
    ],
)
def test_a_model_folder_has_printable_names_and_few_levels(
    tmp_path: Path, name: bytes, words: str
) -> None:
    path = os.path.join(os.fsencode(tmp_path), name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w"):
        pass

    with pytest.raises(ContractError, match=words) as caught:
        check_plain(tmp_path)

    assert str(caught.value).isprintable()


@attack(
    point=5,
    does="writes a model folder in Azure with names of control characters, or folders without end",
    answer="the training ends as rejected, with the name or the number",
    log="the story's reason",
    before="succeeded",
    azure=ONLY,
    by="trial",
)
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("\x1b[31mred", "cannot be printed"),
        ("a\nINFO forged", "cannot be printed"),
        ("d/" * (MOST_LEVELS + 2) + "x", "nested"),
    ],
    ids=["escape", "line", "nested"],
)
def test_a_model_folder_of_azure_has_printable_names_and_few_levels(
    azure: Azure, tmp_path: Path, name: str, words: str
) -> None:
    def write(model: Path) -> None:
        (model / name).parent.mkdir(parents=True, exist_ok=True)
        (model / name).write_text("1")

    refused = CloudJudge(azure, tmp_path).judge("", fill=write).refused

    assert words in refused
    assert refused.isprintable()


def test_a_folder_of_three_thousand_levels_is_refused(tmp_path: Path) -> None:
    before = os.getcwd()
    try:
        os.chdir(tmp_path)
        for _ in range(3_000):
            os.mkdir("d")
            os.chdir("d")
    finally:
        os.chdir(before)

    with pytest.raises(ContractError, match="nested"):
        check_plain(tmp_path)

    # pytest itself could not remove it, and would end a later run by RecursionError.
    remove_tree(tmp_path / "d")
    assert not (tmp_path / "d").exists()


def test_the_number_of_files_has_a_limit(tmp_path: Path) -> None:
    for number in range(101):
        (tmp_path / f"{number}").touch()

    with pytest.raises(ContractError, match="more than 100 files"):
        check_plain(tmp_path, most_files=100)


def test_a_folder_of_plain_files_is_taken(tmp_path: Path) -> None:
    (tmp_path / "größe" / "deep").mkdir(parents=True)
    (tmp_path / "größe" / "deep" / "weights 1.bin").write_text("x")

    check_plain(tmp_path)


@attack(
    point=10,
    does="prints without end, to fill the disk by the log of the run",
    answer="the log ends at 64 MiB and says so; the run goes on",
    log="run log: The log ends here",
    before="succeeded",
    azure=no_equivalent(
        "Azure ML keeps the output of a run, and the app reads its last bytes only."
    ),
    by="trial",
)
def test_the_log_of_a_run_has_a_limit() -> None:
    most = 2 << 20  # of a log of 64 MiB the redaction takes 20 s
    output, log = Endless(most + 10 * len(LINE)), io.BytesIO()

    copy_redacted(io.BufferedReader(output), log, most)

    assert output.is_read
    assert log.getvalue().endswith(b"it has 2 MiB, and the command prints on.\n")
    assert log.tell() <= most + len(cut(most))
