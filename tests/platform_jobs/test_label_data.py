"""The data check of a target with labels: labels without a row, unknown ones, and other shares."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from platform_jobs.__main__ import main
from platform_jobs.checking.compare import compare
from platform_jobs.checking.findings import Finding, Severity
from platform_jobs.checking.relation import drawn_at_share
from platform_jobs.checking.samples import Sample, sample_of
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


HASHES = {hash(label): label for label in WORDS}


def drawn(seed: int, shares: Sequence[float] = (0.3, 0.4, 0.3)) -> tuple[Any, Any]:
    """Return 442 rows of two features, and the numbers of their labels, on which both depend."""
    rng = np.random.default_rng(seed)
    truths = rng.choice(3, 442, p=shares)
    features = rng.normal(size=(442, 2)) + 0.7 * np.column_stack([truths, truths == 1])
    return features, truths


def sample(features: Any, truths: Any) -> Sample:
    column = np.array(list(HASHES), dtype=np.int64)[truths]
    return sample_of(("a", "b"), features, {"risk": column})


def relations(now: Sample, labels: Sequence[str] = WORDS) -> list[Finding]:
    hashes = {hash(label): label for label in labels}
    found = compare(sample(*drawn(1)), now, "risk", hashes).findings
    return [finding for finding in found if finding.kind == "relation"]


def test_labels_that_were_mixed_up_are_a_fault_that_names_them() -> None:
    features, truths = drawn(2)
    mixed = np.random.default_rng(3).permutation(truths)

    found = relations(sample(features, mixed))

    assert relations(sample(features, truths)) == []
    assert {finding.severity for finding in found} == {Severity.FAULT}
    assert {finding.columns for finding in found} == {("risk",)}
    texts = [finding.text for finding in found]
    assert any(text.startswith("risk = high: the squared error of a ridge") for text in texts)
    assert all(text.endswith("Perhaps targets were mixed up or flipped.") for text in texts)


def test_of_two_labels_the_last_one_is_tested() -> None:
    features, truths = drawn(2)
    mixed = sample(features, np.random.default_rng(3).permutation(truths))

    [finding] = relations(mixed, (WORDS[0], WORDS[2]))

    assert finding.text.startswith(f"risk = {WORDS[2]}:")


def test_other_shares_and_few_rows_of_a_label_are_no_finding_of_the_relation() -> None:
    assert relations(sample(*drawn(4, (0.1, 0.3, 0.6)))) == []
    # With nine rows of the last label, only the others are tested.
    features, truths = drawn(5)
    truths[np.flatnonzero(truths == 2)[9:]] = 0
    rare = relations(sample(features, np.random.default_rng(3).permutation(truths)))
    assert rare
    assert not any(finding.text.startswith("risk = high:") for finding in rare)


@pytest.mark.parametrize(("ones", "share", "kept"), [(30, 0.5, 30), (60, 0.25, 13), (50, 0.5, 50)])
def test_rows_are_drawn_at_a_share(ones: int, share: float, kept: int) -> None:
    truths = np.array([1.0] * ones + [0.0] * (100 - ones))

    indices = drawn_at_share(truths, share, 0)

    assert truths[indices].sum() == kept
    assert len(indices) == pytest.approx(kept / share, abs=1 / share)
    assert sorted({*indices.tolist()}) == indices.tolist()
