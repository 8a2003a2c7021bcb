"""Files that anybody may have sent are read by processes that are limited and know no settings."""

import resource
from pathlib import Path

import pytest

from function_app.adapters.csv_rows import read_columns, read_labels
from function_app.errors import ContractError
from tests.attacks.attack import attack, same_code


@attack(
    point=10,
    does="sends labels or training rows whose reading takes all memory",
    answer="a process of its own reads them, which may have 2 GiB and 600 s; the app's memory and "
    "settings are out of its reach",
    log="none: the finding is the record",
    before="succeeded",
    azure=same_code("function_app/adapters/csv_rows.py"),
    by="trial",
)
def test_labels_and_training_rows_are_read_by_a_limited_process(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("id,other,Y\na,x,1\nb,y,2.5\n")
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_minflt

    with path.open("rb") as file:
        labels = read_labels(file, "Y")
    with path.open("rb") as file:
        [values] = read_columns(file, ["Y"])

    assert labels == [("a", 1.0), ("b", 2.5)]
    assert list(values) == [1.0, 2.5]
    # Only a child that has ended adds to this figure.
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_minflt > before


@pytest.mark.parametrize("names", [["Y", "gone"], ["word"], ["Y"]])
def test_training_rows_without_numbers_are_refused(tmp_path: Path, names: list[str]) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("word,Y\nx,1\ny\n")

    with path.open("rb") as file, pytest.raises(ContractError, match=r"line \d"):
        read_columns(file, names)


def test_a_reader_knows_no_setting_of_the_app(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLOPS_SECRET_OF_TESTS", "s3cret")
    # Python runs this module at its start, before the job.
    (tmp_path / "sitecustomize.py").write_text(
        "import os, pathlib\n"
        f"pathlib.Path({str(tmp_path / 'seen')!r}).write_text(' '.join(os.environ))\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    path = tmp_path / "rows.csv"
    path.write_text("id,Y\na,1\n")

    with path.open("rb") as file:
        assert read_labels(file, "Y") == [("a", 1.0)]

    assert "MLOPS_SECRET_OF_TESTS" not in (tmp_path / "seen").read_text().split()
