"""Each fault of the data has a finding of its own, and a sample like the reference has none."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import r2_score

from benchmarks.data_check import faults
from platform_jobs.checking import relation
from platform_jobs.checking.compare import LEAST_ROWS, compare
from platform_jobs.checking.findings import (
    ALPHA,
    SHARES,
    Family,
    Finding,
    Severity,
    significant,
)
from platform_jobs.checking.samples import columns_of, pair, sample_of
from platform_jobs.tables.tables import Table, parse_table
from training.sample import NAMES, load_population

TARGET = NAMES[-1]
POPULATION = load_population()
DRAWS = np.random.default_rng(11)
REFERENCE, ROWS = (POPULATION.draw(DRAWS, 442) for _ in range(2))


def found(rows: Any, reference: Any = REFERENCE) -> tuple[Finding, ...]:
    return compare(sample_of(NAMES, reference), sample_of(NAMES, rows), TARGET).findings


def test_a_sample_of_the_same_population_has_no_finding() -> None:
    assert found(ROWS) == ()


@pytest.mark.parametrize(
    ("plant", "kind", "severity"),
    [
        (faults.shuffled, "relation", Severity.FAULT),
        (faults.flipped(0.3), "relation", Severity.FAULT),
        (faults.repeated(0.05), "repeated rows", Severity.FAULT),
        (faults.swapped, "exchanged", Severity.FAULT),
        (faults.independent, "relation", Severity.FAULT),
        (faults.leaked, "leak", Severity.FAULT),
        (faults.zeros(0.1), "single value", Severity.FAULT),
        (faults.poisoned(0.05), "single value", Severity.FAULT),
        (faults.scaled(1.5), "distribution", Severity.SHIFT),
        (faults.shifted(0.5), "distribution", Severity.SHIFT),
        (faults.target_scaled(1.3), "bias", Severity.SHIFT),
        (faults.outlier, "outlier", Severity.NOTE),
    ],
)
def test_a_planted_fault_is_found(
    plant: Callable[[np.random.Generator, Any], Any], kind: str, severity: Severity
) -> None:
    findings = found(plant(np.random.default_rng(5), ROWS.copy()))

    (finding,) = [one for one in findings if one.kind == kind][:1]
    assert finding.severity is severity
    assert finding.text.endswith(".")


def test_columns_that_are_exchanged_are_named() -> None:
    rows = ROWS.copy()
    rows[:, [2, 3]] = rows[:, [3, 2]]

    (finding,) = [one for one in found(rows) if one.kind == "exchanged"]

    assert finding.text.startswith("bmi and bp seem to be exchanged")


def test_a_column_that_became_constant_is_not_said_to_be_exchanged() -> None:
    rows = ROWS.copy()
    rows[:, 2] = np.median(rows[:, 2])

    kinds = {one.kind for one in found(rows)}

    assert {"distribution", "single value"} <= kinds
    assert "exchanged" not in kinds


def test_another_slope_of_one_feature_is_a_shift_and_no_fault() -> None:
    # The world has changed: a new fit tells as much about the target as the old one did.
    rows = ROWS.copy()
    signal = rows[:, :-1] @ POPULATION.slopes
    age = rows[:, 0] - np.polyval(np.polyfit(signal, rows[:, 0], 1), signal)
    rows[:, -1] += -0.35 * signal + 0.8 * signal.std() * age / age.std()

    (finding,) = [one for one in found(rows) if one.kind == "relation"]

    assert finding.severity is Severity.SHIFT


def test_the_skill_of_a_ridge_is_its_coefficient_of_determination() -> None:
    x, y = ROWS[:, :-1], ROWS[:, -1]
    coefficients = relation.fit(x, y)

    skill = relation.apply(coefficients, float(y.mean()), x, y).skill

    assert skill == pytest.approx(r2_score(y, x @ coefficients[:-1] + coefficients[-1]))


def test_mixed_up_targets_are_refused_with_the_errors_as_shares_of_the_mean_s() -> None:
    shuffled = faults.shuffled(np.random.default_rng(1), ROWS.copy())

    (finding,) = [one for one in found(shuffled) if one.kind == "relation"]

    assert re.fullmatch(
        r"Y: the squared error of a ridge fitted on the reference data, beside that of the mean, "
        r"is [45]\d(\.\d)? % lower on the reference data and \d\d(\.\d)? % higher on the new rows; "
        r"that of a ridge fitted on the new rows is \d(\.\d+)? % (higher|lower)\. Perhaps targets "
        r"were mixed up or flipped\.",
        finding.text,
    )


def test_of_a_file_that_grew_the_new_rows_are_compared_and_the_old_ones_counted() -> None:
    new = POPULATION.draw(np.random.default_rng(13), 60)
    new[:, 2] += 1.5 * new[:, 2].std()

    findings = found(np.concatenate([REFERENCE, new]))

    assert {one.kind for one in findings} >= {"distribution", "overlap"}
    assert findings[-1].text == (
        "442 of 502 rows are in the reference data, too; the other 60 were compared."
    )


def test_a_file_with_a_few_new_rows_passes_with_a_note() -> None:
    (note,) = found(np.concatenate([REFERENCE, ROWS[:3]]))

    assert (note.severity, note.kind) == (Severity.NOTE, "overlap")


def test_rows_of_categories_repeat_by_nature_and_are_no_fault() -> None:
    rng = np.random.default_rng(14)
    first, second = rng.integers(3, size=(2, 300, 2)).astype(float)

    result = compare(sample_of(("a", "Y"), first), sample_of(("a", "Y"), second), "Y")

    assert result.findings == ()
    assert result.rows == 300


def test_too_few_rows_are_not_compared() -> None:
    few = sample_of(NAMES, ROWS[: LEAST_ROWS - 1])

    result = compare(sample_of(NAMES, REFERENCE), few, TARGET)

    assert result.rows == 0
    assert [one.severity for one in result.findings] == [Severity.NOTE]


def test_a_column_that_never_varied_is_compared() -> None:
    reference, rows = REFERENCE.copy(), ROWS.copy()
    reference[:, 4], rows[:, 4] = 1.0, 1.0

    assert found(rows, reference) == ()
    rows[:200, 4] = 2.0
    assert ("s1",) in {one.columns for one in found(rows, reference)}


def cities(in_bonn: int, in_ulm: int, begin: float) -> Table:
    """Return rows of two cities with targets begin, begin + 1, ..., which make each row new."""
    names = ["Bonn"] * in_bonn + ["Ulm"] * in_ulm
    rows = "".join(f"{name},{begin + number}\n" for number, name in enumerate(names))
    return parse_table(f"city,Y\n{rows}".encode())


@pytest.mark.parametrize(("in_bonn", "differs"), [(140, False), (40, True)])
def test_words_are_compared_as_categories(in_bonn: int, differs: bool) -> None:
    tables = cities(150, 50, 0.0), cities(in_bonn, 200 - in_bonn, 0.5)

    findings = compare(*pair(*map(columns_of, tables)), "Y").findings

    changed = {one.columns for one in findings if one.kind == "distribution"}
    assert (("city",) in changed) is differs


def test_equal_rows_have_equal_keys_however_their_cells_are_written() -> None:
    first, second = (
        parse_table(b"a,b,c\n1,-0,x\n2,3,y\n"),
        parse_table(b"c,b,a\nx,0,1.0\ny,3.0,2e0\n"),
    )

    one, other = pair(*map(columns_of, (first, second)))

    assert one.keys.tolist() == other.keys.tolist()
    assert len(set(one.keys.tolist())) == 2


def test_the_shares_of_the_families_add_up_to_the_rate_of_false_alarms() -> None:
    assert set(SHARES) == set(Family)
    assert abs(sum(SHARES.values()) - ALPHA) < 1e-12


def test_holms_procedure_stops_at_the_first_p_value_over_its_limit() -> None:
    def test(p: float) -> tuple[Family, Finding]:
        return Family.ROWS, Finding(kind="k", severity=Severity.FAULT, text=str(p), p=p)

    share = SHARES[Family.ROWS]
    tests = [test(share / 2), test(share / 3), test(2 * share)]

    assert [one.p for one in significant(tests)] == [share / 2, share / 3]
    assert significant([test(share / 2), test(share / 2), test(share / 2)]) == []
    assert [one.text for one in significant([test(float("nan")), test(1.0)])] == ["nan"]
