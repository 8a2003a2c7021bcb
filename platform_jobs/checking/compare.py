"""Compares the data that arrived with the data of the champion, for the data check.

Columns are compared one by one, in pairs, all together, and in their relation with the target; rows
are compared with each other. `findings.py` limits the false alarms of all tests together.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from platform_jobs.checking import relation, two_samples
from platform_jobs.checking.dates import compare_dates, moved_dates
from platform_jobs.checking.findings import Family, Finding, Severity, significant
from platform_jobs.checking.samples import SEED, Sample, bounded, drawn
from platform_jobs.checking.texts import number

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]
    Rows = NDArray[np.int_]
    Keys = NDArray[np.uint64]

# Fewer rows are not compared: their tests find nothing.
LEAST_ROWS = 30
# A sample of these rows finds every difference that matters, in a bounded time.
MOST_ROWS, MOST_JOINT = 20_000, 500
# Columns up to which all pairs, and all exchanges of two columns, are tested.
MOST_PAIRED, MOST_SWAPPED = 200, 60
DRAWS = 499
OUTLIER = 8.0  # standard deviations
# Repeated rows in the reference up to which rows of both data sets count as copies.
FEW_REPEATED = 0.01
# A value is new in a column of measurements when the reference has it in less than this share.
RARE, MEASURED = 0.01, 20
LEAK = 0.95  # rank correlation
LEAST_GAIN = 0.02  # -2 log-likelihood per row, by which exchanged columns must fit better
PAIRS_SHOWN = 3
Tests = Iterator[tuple[Family, Finding]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The findings, and the numbers of rows that were compared; both are 0 when none were."""

    rows: int
    reference_rows: int
    findings: tuple[Finding, ...]


def compare(
    reference: Sample, sample: Sample, target: str, labels: Mapping[int, str] | None = None
) -> Comparison:
    """Return the findings about a sample; notes come last.

    `labels` are those of a target of words, by their hashes.
    """
    notes: list[Finding] = list(_outliers(reference, sample))
    if len(reference) and len(sample):
        notes += moved_dates(reference, sample)
    copied = np.isin(sample.keys, reference.keys)
    fresh = np.arange(len(sample))
    if copied.any() and _repeated(reference.keys) <= FEW_REPEATED * len(reference):
        fresh = np.flatnonzero(~copied)
        notes.append(_overlap(len(sample), len(fresh)))
    tests = list(_rows(reference, sample))
    if min(len(fresh), len(reference)) < LEAST_ROWS:
        if not copied.any():
            text = f"Less than {LEAST_ROWS} rows cannot be compared with earlier data."
            notes.append(Finding(kind="rows", severity=Severity.NOTE, text=text))
        return Comparison(rows=0, reference_rows=0, findings=(*significant(tests), *notes))
    before, now = bounded(reference, MOST_ROWS), sample.take(drawn(fresh, MOST_ROWS))
    tests += [*_columns(before, now), *_atoms(before, now), *compare_dates(before, now)]
    index = {name: number for number, name in enumerate(before.names)}.get(target)
    varied = (before.values.std(axis=0) > 0) & (now.values.std(axis=0) > 0)
    if index is not None and len(before.names) > 1:
        tests += relation.compare_numbers(before, now, index)
    elif target in before.words and before.names:
        tests += relation.compare_labels(before, now, target, labels or {})
    if 1 < len(before.names) <= MOST_PAIRED:
        tests += _pairs(before, now, target)
    if 1 < varied.sum() <= MOST_SWAPPED:
        tests += _swaps(before, now, np.flatnonzero(varied))
    if before.names:
        tests.append(_joint(bounded(before, MOST_JOINT), bounded(now, MOST_JOINT)))
    return Comparison(
        rows=len(fresh),
        reference_rows=len(reference),
        findings=(*_merged(significant(tests)), *notes),
    )


def _repeated(keys: "Keys") -> int:
    # numpy.unique takes several times as long for a million keys.
    ordered = np.sort(keys)
    return int(np.count_nonzero(ordered[1:] == ordered[:-1]))


def _rows(reference: Sample, sample: Sample) -> Tests:
    """Compare the number of repeated rows in equally many rows of both."""
    most = min(len(reference), len(sample))
    before, now = (
        _repeated(one.keys[drawn(np.arange(len(one)), most)]) for one in (reference, sample)
    )
    p = two_samples.more_often(before, most, now, most)
    repeated = _repeated(sample.keys)
    text = (
        f"{repeated} of {len(sample)} rows repeat another row; in {len(reference)} rows of the "
        f"reference data {_repeated(reference.keys)} do. Remove the copies."
    )
    yield Family.ROWS, Finding(kind="repeated rows", severity=Severity.FAULT, text=text, p=p)


def _overlap(rows: int, fresh: int) -> Finding:
    text = f"{rows - fresh} of {rows} rows are in the reference data, too"
    text += f"; the other {fresh} were compared." if fresh >= LEAST_ROWS else "."
    return Finding(kind="overlap", severity=Severity.NOTE, text=text)


def _columns(before: Sample, now: Sample) -> Tests:
    for index, name in enumerate(before.names):
        first, second = before.values[:, index], now.values[:, index]
        if len(np.unique(np.concatenate([first, second]))) <= MEASURED:
            yield _categories(name, first.view(np.int64), second.view(np.int64))
            continue
        distance, p = two_samples.kolmogorov_smirnov(first, second)
        text = (
            f"{name}: the distribution differs from the reference data's (Kolmogorov-Smirnov "
            f"distance {number(distance)})."
        )
        tests = [(p, text)]
        old, new = float(np.median(first)), float(np.median(second))
        text = f"{name}: the median is {number(new)}, and {number(old)} in the reference data."
        tests.append((two_samples.location(first, second), text))
        old, new = float(first.std()), float(second.std())
        times = f"{number(new / old)} times" if old else f"{number(new)} instead of 0, not as"
        text = f"{name}: the standard deviation is {times} the reference data's."
        tests.append((two_samples.spread(first, second), text))
        # The first column of numbers is the p-value; three tests share it (Bonferroni).
        least, text = min(tests)
        yield (
            Family.COLUMNS,
            Finding(
                kind="distribution",
                severity=Severity.SHIFT,
                text=text,
                columns=(name,),
                p=min(1.0, len(tests) * least),
            ),
        )
    for name, column in before.words.items():
        yield _categories(name, column, now.words[name])


def _categories(
    name: str, first: "NDArray[np.int64]", second: "NDArray[np.int64]"
) -> tuple[Family, Finding]:
    p = two_samples.categories(first, second)
    text = f"{name}: the shares of its categories differ from the reference data's."
    return Family.COLUMNS, Finding(
        kind="distribution", severity=Severity.SHIFT, text=text, columns=(name,), p=p
    )


def _atoms(before: Sample, now: Sample) -> Tests:
    for index, name in enumerate(before.names):
        first, second = before.values[:, index], now.values[:, index]
        value, p, old, new = two_samples.atom(first, second)
        measured = len(np.unique(first)) > MEASURED and old < RARE * len(first)
        cause = "Perhaps it stands for missing values, or the rows are planted. Correct them."
        text = (
            f"{name}: {new} of {len(second)} cells are {number(value)}, and {old} of {len(first)} "
            f"in the reference data. {cause if measured else ''}".rstrip()
        )
        severity = Severity.FAULT if measured else Severity.SHIFT
        yield (
            Family.ATOMS,
            Finding(kind="single value", severity=severity, text=text, columns=(name,), p=p),
        )


def _pairs(before: Sample, now: Sample, target: str) -> Tests:
    old, new, ps = two_samples.correlations(before.values, now.values)
    for i, j in zip(*np.triu_indices(len(before.names), 1), strict=True):
        names = before.names[i], before.names[j]
        before_r, now_r = float(old[i, j]), float(new[i, j])
        leaks = target in names and abs(now_r) >= LEAK > abs(before_r)
        text = (
            f"{names[0]} and {names[1]}: the rank correlation is {number(now_r)}, and "
            f"{number(before_r)} in the reference data."
        )
        if leaks:
            feature = names[0] if names[1] == target else names[1]
            text += f" {feature} seems to be made from {target}. Correct this column."
        yield (
            Family.PAIRS,
            Finding(
                kind="leak" if leaks else "correlation",
                severity=Severity.FAULT if leaks else Severity.SHIFT,
                text=text,
                columns=names,
                p=float(ps[i, j]),
            ),
        )


def _swaps(before: Sample, now: Sample, indices: "NDArray[np.int_]") -> Tests:
    """Test for each pair whether the rows fit the reference better with both columns exchanged.

    Each sample is standardised by itself, so that only correlations count. The log-likelihood ratio
    of a row under the reference's normal distribution has a mean of at most 0 in data of the same
    correlations, whatever their distribution (Gibbs' inequality for normal distributions of one
    determinant), so that Student's one-sided test applies.
    """
    old, new = (_standard(sample.values[:, indices]) for sample in (before, now))
    precision = np.linalg.inv(np.cov(old, rowvar=False) + 1e-6 * np.eye(len(indices)))
    moved = new @ precision
    for i, j in zip(*np.triu_indices(len(indices), 1), strict=True):
        # The change of -2 log-likelihood when the two columns are exchanged.
        gap = new[:, j] - new[:, i]
        change = 2 * gap * (moved[:, i] - moved[:, j])
        change += gap**2 * (precision[i, i] + precision[j, j] - 2 * precision[i, j])
        mean, error = float(change.mean()), float(change.std(ddof=1)) / np.sqrt(len(change))
        # Two columns that no third one distinguishes change by rounding errors only.
        fits = mean < -LEAST_GAIN
        p = two_samples.lower_tail(mean / error, len(change) - 1) if fits else 1.0
        names = before.names[indices[i]], before.names[indices[j]]
        text = (
            f"{names[0]} and {names[1]} seem to be exchanged: each fits the reference data better "
            "under the name of the other. Correct the header."
        )
        yield (
            Family.SWAPS,
            Finding(kind="exchanged", severity=Severity.FAULT, text=text, columns=names, p=p),
        )


def _standard(values: "Numbers") -> "Numbers":
    sd = values.std(axis=0)
    sd[sd == 0] = 1.0
    scaled: Numbers = (values - values.mean(axis=0)) / sd
    return scaled


def _joint(before: Sample, now: Sample) -> tuple[Family, Finding]:
    mean, sd = before.values.mean(axis=0), before.values.std(axis=0)
    sd[sd == 0] = 1.0
    old, new = ((sample.values - mean) / sd for sample in (before, now))
    p = two_samples.energy(old, new, DRAWS, SEED)
    text = "The joint distribution of all columns differs from the reference data's."
    return Family.JOINT, Finding(kind="joint", severity=Severity.SHIFT, text=text, p=p)


def _outliers(reference: Sample, sample: Sample) -> Iterator[Finding]:
    if not len(reference) or not len(sample):
        return
    # By column, because the whole of a large file would be copied.
    for index, name in enumerate(reference.names):
        old = reference.values[:, index]
        mean, sd = float(old.mean()), float(old.std())
        far = abs(sample.values[:, index] - mean)
        limit = max(OUTLIER * sd, float(abs(old - mean).max()))
        count = int((far > limit).sum()) if sd else 0
        if count:
            value = float(sample.values[int(far.argmax()), index])
            text = (
                f"{name}: {count} of {len(sample)} values lie more than {OUTLIER:g} standard "
                f"deviations from the reference data's mean, such as {number(value)}. Examine them."
            )
            yield Finding(kind="outlier", severity=Severity.NOTE, text=text, columns=(name,))


def _merged(findings: list[Finding]) -> Iterator[Finding]:
    """Yield the findings, of changed correlations the clearest and the number of others."""
    pairs = sorted((f for f in findings if f.kind == "correlation"), key=lambda f: f.p or 0.0)
    yield from (f for f in findings if f.kind != "correlation")
    yield from pairs[:PAIRS_SHOWN]
    if more := pairs[PAIRS_SHOWN:]:
        text = f"The rank correlations of {len(more)} more pairs of columns changed."
        yield Finding(kind="correlation", severity=Severity.SHIFT, text=text, p=more[0].p)
