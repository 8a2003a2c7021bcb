"""The gate of arriving data: its form, its faults and its shift from the reference data."""

import difflib
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace

from function_app.domain.gates import GateResult, Verdict
from function_app.domain.text.figures import figure, figures
from function_app.domain.text.payload_limits import cap_reasons

# Linux takes at most 128 KiB as the text of one command.
MOST_OF_WORDS = 60_000  # characters


@dataclass(frozen=True, slots=True, kw_only=True)
class CellKind:
    """Cells of one column that are not finite numbers for the same reason.

    `kind` is a key of KINDS; `line` is the line of the file that holds the first of them, counted
    from 1, and `part` names its part of a folder; `lines` has the first lines in a column of dates.
    `examples` are different cells, none of them empty.
    """

    kind: str
    count: int
    line: int
    examples: tuple[str, ...] = ()
    lines: tuple[int, ...] = ()
    part: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnProfile:
    """Figures of one column.

    `missing` counts the cells that are empty or not a finite number; `found` has the same cells
    by their kind, the most frequent first. It is empty in profiles of earlier versions. Of a column
    of dates `missing` counts the cells that are no date; `earliest` and `latest` are days.
    """

    name: str
    missing: int
    mean: float | None
    std: float | None
    found: tuple[CellKind, ...] = ()
    earliest: str = ""
    latest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataProfile:
    """The figures of one file that a gate needs, never its rows.

    `notes` are the differences from a plain CSV that were read nevertheless; `faults` are the
    contents that could not be read, with the remedy.
    """

    rows: int
    columns: tuple[ColumnProfile, ...]
    notes: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFinding:
    """A difference from the reference data that the preparation found by a test.

    `severity` is `fault` for damage, `shift` for damage or a change of the world, and `note` for a
    text that decides nothing. `p` is the probability of such a difference between two samples of
    one population.
    """

    kind: str
    severity: str
    text: str
    columns: tuple[str, ...] = ()
    p: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DataCheck:
    """The comparison of `rows` rows with `reference_rows` rows of earlier data.

    Both are 0 when nothing was compared. platform_jobs/checking/findings.py limits the false alarms
    of all findings together to 1 %.
    """

    rows: int = 0
    reference_rows: int = 0
    findings: tuple[DataFinding, ...] = ()

    def texts(self, severity: str) -> tuple[str, ...]:
        """Return the texts of the findings of one severity."""
        return tuple(one.text for one in self.findings if one.severity == severity)


@dataclass(frozen=True, slots=True, kw_only=True)
class DataPolicy:
    """The required form of a file.

    `target` is the column to predict. Rows with an equal cell in the column `group`, "" for none,
    are trained on or judge together; it may hold any text. `max_shift` is the greatest distance of
    a column's mean from the baseline's, in the baseline's standard deviations; `max_spread` the
    greatest ratio of the two deviations, either way. `inconclusive` says whether to "accept" or to
    "reject" data whose difference from the reference may be damage or a change of the world. With
    `labels` the target is one of them; `categories` and `texts` are columns of words, `dates` of
    dates, of which those of `future_dates` may lie after the time of the check.
    """

    columns: tuple[str, ...]
    target: str = "Y"
    labels: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()
    future_dates: tuple[str, ...] = ()
    group: str = ""
    min_rows: int = 50
    max_shift: float = 0.5
    max_spread: float = 2.0
    inconclusive: str = "accept"

    def column_words(self) -> tuple[str, ...]:
        """Return the options of `platform_jobs prepare` that name the columns.

        They are empty for a schema that is too long for a command line; the job then maps no names,
        and the header must have the schema's names.
        """
        words = tuple(f"--column={name}" for name in self.columns)
        return words if sum(map(len, words)) <= MOST_OF_WORDS else ()

    def has_words(self, column: str) -> bool:
        """Return whether the cells of a column may be words."""
        is_label = bool(self.labels) and column == self.target
        return is_label or column in self.categories or column in self.texts

    def word_options(self) -> tuple[str, ...]:
        """Return the options of `platform_jobs` that name labels, columns of words and dates."""
        return (
            *(f"--label={label}" for label in self.labels),
            *(f"--category={column}" for column in self.categories),
            *(f"--text={column}" for column in self.texts),
            *(f"--date={column}" for column in self.dates),
            *(f"--future-date={column}" for column in self.future_dates),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """The result of preparing a file.

    `refused` is the reason that the file is not a table, "" for a table. Of its rows a training may
    see `seen`; `held_out` distinct rows judge the model. With more than one of the `folds` these
    are all rows, and the model of each fold, which was trained without it, answers its rows.
    `repeated` counts the rows that another row equals. `reference` has the figures of the data that
    it was compared with, `check` the findings; both are None without such data and in records of
    0.1.0.
    """

    profile: DataProfile | None
    refused: str = ""
    seen: int = 0
    held_out: int = 0
    reference: DataProfile | None = None
    check: DataCheck | None = None
    folds: int = 1
    repeated: int = 0


def judge_prepared(
    prepared: Prepared, baseline: DataProfile | None, policy: DataPolicy
) -> GateResult:
    """Decide whether prepared data may be trained on; without a baseline nothing is compared.

    `baseline` counts where the preparation had no reference data.
    """
    if prepared.profile is None:
        return _refused([prepared.refused])
    before = prepared.reference or baseline or prepared.profile
    result = judge(prepared.profile, before, policy, prepared.check)
    if result.passed and not (prepared.seen and prepared.held_out):
        text = (
            f"Of {prepared.profile.rows} rows {prepared.held_out} are held out, because equal rows "
            "stay together. Send rows that differ."
        )
        return _refused([text])
    return result


# Kinds of cells, each with its description and the remedy.
KINDS = {
    "empty": ("missing values (empty cells)", "Fill them in, or leave these rows out."),
    "not_available": (
        "cells that mark a value as not available",
        "Fill them in, or leave these rows out.",
    ),
    "not_finite": ("values that are not finite", "Correct them, or leave these rows out."),
    "formula_error": ("errors of spreadsheet formulas", "Correct the formulas and export again."),
    "date": (
        "dates or times",
        "Name the column in `dates` of the model in mlops.toml, or write a number in their place.",
    ),
    "no_date": (
        "cells that are no dates",
        "Write dates of ISO 8601, such as 2024-02-29 or 2024-02-29T12:30:00Z.",
    ),
    "other_date": (
        "dates in another notation than ISO 8601",
        "Write the year first, such as 2024-02-29 or 2024-02-29T12:30:00Z.",
    ),
    "no_such_date": ("dates or times that do not exist", "Correct them, or leave these rows out."),
    "decimal_comma": ("numbers with a decimal comma", "Write a decimal point in every number."),
    "ambiguous_comma": (
        "numbers whose comma may be a decimal sign or separate thousands",
        "Write a decimal point, and no separator of thousands.",
    ),
    "thousands": (
        "numbers with separators of thousands",
        "Write them without these separators.",
    ),
    "unit": ("numbers with a unit", "Write the number alone, and the unit in the column's name."),
    "notation": (
        "numbers in another notation",
        "Write digits, a decimal point and, for negative numbers, a hyphen in front.",
    ),
    "truth": ("truth values", "Write 1 and 0 in their place."),
    "word": (
        "words where numbers are expected",
        "Correct these cells, encode the words as numbers, or remove the column here and from "
        "`columns` in mlops.toml.",
    ),
}


def judge(
    profile: DataProfile,
    baseline: DataProfile,
    policy: DataPolicy,
    check: DataCheck | None = None,
) -> GateResult:
    """Decide by form, schema, size, content and distance from the baseline; name every fault.

    `check` has the findings of the comparison with the rows of the baseline.
    """
    check = check or DataCheck()
    names = tuple(column.name for column in profile.columns)
    reasons = list(profile.faults)
    # A file whose form is wrong has no header to compare, or less rows than it should.
    if profile.columns and names != policy.columns:
        reasons += _schema_reasons(names, policy.columns)
    if profile.rows < policy.min_rows and not profile.faults:
        reasons.append(f"{profile.rows} rows; at least {policy.min_rows} are needed.")
    before = {column.name: column for column in baseline.columns}
    for column in profile.columns:
        # A group may be any text, and later data has other groups.
        if column.name not in policy.columns or column.name == policy.group:
            continue
        if policy.has_words(column.name):
            reasons += _empty_reasons(column, profile.rows)
            continue
        if column.missing or column.name in policy.dates:
            reasons += _cell_reasons(column, profile.rows, is_label=column.name == policy.target)
        else:
            reasons += _shifts(column, before.get(column.name), policy)
    reasons += check.texts("fault")
    shifts, notes = check.texts("shift"), (*check.texts("note"), *profile.notes)
    if reasons:
        # The form of the file explains faults that follow from it.
        return _refused([*reasons, *shifts, *notes])
    if shifts:
        return _inconclusive(profile, policy, shifts, notes)
    passed = f"{profile.rows} rows pass every data check."
    return GateResult(passed=True, reasons=cap_reasons((passed, *notes)), verdict=Verdict.PASS)


def _inconclusive(
    profile: DataProfile, policy: DataPolicy, shifts: tuple[str, ...], notes: tuple[str, ...]
) -> GateResult:
    passed = policy.inconclusive == "accept"
    text = (
        f"The data check is inconclusive: {profile.rows} rows differ from the reference data, as "
        "damaged data does, and as good data does after a change of the world."
    )
    answer = '`inconclusive = "accept"` in mlops.toml accepts them.'
    if not passed:
        answer = (
            "Correct the data; or, if the world has changed, accept it as the new reference by "
            '`inconclusive = "accept"` in mlops.toml and send it again.'
        )
    reasons = cap_reasons((f"{text} {answer}", *shifts, *notes))
    return GateResult(passed=passed, reasons=reasons, verdict=Verdict.INCONCLUSIVE)


def _schema_reasons(names: tuple[str, ...], expected: tuple[str, ...]) -> list[str]:
    absent = [name for name in expected if name not in names]
    # The file's faults name a column without a name.
    extra = [name for name in names if name and name not in expected]
    if len(set(names)) < len(names) and not absent:
        return []  # a fault of the file's form names the columns that occur twice
    if not absent and not extra:
        return [f"The order of the columns differs from {', '.join(expected)}."]
    reasons = []
    for name in absent:
        nearest = _nearest(name, extra)
        if nearest is None:
            reasons.append(f"Column {name} is absent.")
            continue
        other, cause = nearest
        extra.remove(other)
        reasons.append(f"Column {name} is absent, but {other!r} {cause}. Rename it to {name}.")
    return reasons + [f"Column {name} is not in the schema." for name in extra]


def _nearest(name: str, others: list[str]) -> tuple[str, str] | None:
    """Return the most similar other name and the difference; None without one."""
    for key, cause in (
        (_composed, "differs by Unicode's form of the same letters"),
        (str.casefold, "differs by upper and lower case"),
        (_letters, "differs by blanks, punctuation or case"),
    ):
        for other in others:
            if key(other) == key(name):
                return other, cause
    close = difflib.get_close_matches(name.casefold(), [o.casefold() for o in others], n=1)
    # One letter has no similar name: "a" is as close to "b" as to "c".
    if close and len(name) > 2:
        return next(o for o in others if o.casefold() == close[0]), "has a similar name"
    return None


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _letters(name: str) -> str:
    compatible = unicodedata.normalize("NFKC", name).casefold()
    return "".join(letter for letter in compatible if letter.isalnum()) or name


def _cell_reasons(column: ColumnProfile, rows: int, *, is_label: bool) -> Iterator[str]:
    if column.missing and not column.found:
        yield f"{column.name}: {column.missing} missing values."
    for cells in column.found:
        text, remedy = KINDS.get(cells.kind, ("cells that are not numbers", "Correct them."))
        if is_label and cells.kind == "word":
            remedy = "Name the labels in mlops.toml (`labels`), or encode them as 0 and 1."
        examples = " or ".join(repr(example) for example in cells.examples)
        such = f", such as {examples}" if examples else ""
        share = f"all {rows}" if cells.count == rows else f"{cells.count} of {rows}"
        first = f"line {cells.line}"
        if cells.lines[1:]:
            first = f"lines {', '.join(map(str, cells.lines))}"
        if cells.part:
            first += f" of {cells.part}"
        yield f"{column.name}: {text} in {share} cells{such}, first in {first}. {remedy}"


def _empty_reasons(column: ColumnProfile, rows: int) -> Iterator[str]:
    """Yield the fault of a column of words: of its cells only the empty ones are missing."""
    empty = tuple(cells for cells in column.found if cells.kind == "empty")
    if empty:
        yield from _cell_reasons(replace(column, found=empty), rows, is_label=False)


def _shifts(now: ColumnProfile, before: ColumnProfile | None, policy: DataPolicy) -> Iterator[str]:
    if before is None or now.mean is None or now.std is None:
        return
    if before.mean is None or not before.std:
        return
    distance = abs(now.mean - before.mean) / before.std
    # Both comparisons are written so that NaN, which compares as false, is refused.
    if not distance <= policy.max_shift:
        moved, most = figures(distance, policy.max_shift)
        yield (
            f"{now.name}: the mean moved by {moved} standard deviations of the baseline, from "
            f"{figure(before.mean)} to {figure(now.mean)}; at most {most} is allowed."
        )
    ratio = now.std / before.std
    if not 1 / policy.max_spread <= ratio <= policy.max_spread:
        times, least, most = figures(ratio, 1 / policy.max_spread, policy.max_spread)
        yield (
            f"{now.name}: the standard deviation is {times} times the baseline's; {least} to "
            f"{most} is allowed."
        )


def _refused(reasons: list[str]) -> GateResult:
    return GateResult(passed=False, reasons=cap_reasons(tuple(reasons)), verdict=Verdict.REJECT)
