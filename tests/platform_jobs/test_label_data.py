"""The data check of a target with labels: labels without a row, unknown ones, and other shares."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from platform_jobs.__main__ import main
from tests.platform_jobs.test_many_labels import NUMBERS, WORDS, options, prepare, read


def test_a_label_without_a_row_is_noted_and_an_unknown_one_is_a_fault(tmp_path: Path) -> None:
    folder = prepare(tmp_path)
    data = folder / "rows.csv"
    words = ["prepare", "--data", str(data), "--target", "risk", "--key", "toy"]
    words += ["--out", str(folder / "again")]

    def profile(*labels: str) -> Any:
        assert main([*words, *options(labels)]) == 0
        return read(folder / "again", "prepared.json")["profile"]

    assert profile(*WORDS)["notes"] == []
    assert profile(*WORDS, "very high")["notes"] == [
        "risk: the label very high has no row, so that a model of this data alone gives no "
        "probability there."
    ]
    assert profile(*WORDS, *map(str, range(7)))["notes"] == [
        "risk: the labels 0, 1, 2, 3, 4 and 2 more have no row, so that a model of this data "
        "alone gives no probability there."
    ]
    [fault] = profile("low", "middle")["faults"]
    assert "none of the labels low, middle, such as 'high'" in fault


@pytest.mark.parametrize("labels", [WORDS, NUMBERS])
def test_other_shares_of_the_labels_are_a_shift_and_equal_ones_are_none(
    tmp_path: Path, labels: Sequence[str]
) -> None:
    rng = np.random.default_rng(3)

    def write(name: str, shares: Sequence[float]) -> str:
        drawn = rng.choice(labels, 400, p=shares)
        rows = [
            f"{a!r},{label}" for a, label in zip(rng.normal(size=400).tolist(), drawn, strict=True)
        ]
        (tmp_path / name).write_text("a,risk\n" + "\n".join(rows) + "\n")
        return str(tmp_path / name)

    def shifts(data: str, *more: str) -> list[str]:
        words = ["prepare", "--data", data, "--reference", reference, "--target", "risk"]
        words += [f"--label={label}" for label in [*labels, *more]]
        assert main([*words, "--key", "toy", "--out", str(tmp_path / "out")]) == 0
        findings = read(tmp_path / "out", "prepared.json")["check"]["findings"]
        return [finding["text"] for finding in findings if finding["severity"] == "shift"]

    reference = write("reference.csv", (0.3, 0.4, 0.3))
    # Of numbers the mean would stay.
    other = write("other.csv", (0.45, 0.1, 0.45))

    assert shifts(write("same.csv", (0.3, 0.4, 0.3))) == []
    found = ["risk: the shares of its categories differ from the reference data's."]
    assert shifts(other) == found
    # A single row of a new label that is no number changes no other label.
    same = tmp_path / "same.csv"
    same.write_text(same.read_text() + "0.5,unknown\n")
    assert shifts(str(same), "unknown") == []
