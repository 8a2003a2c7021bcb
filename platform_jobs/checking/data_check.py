"""Data check of a preparation: figures of the reference data, findings of the comparison."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from platform_jobs.checking.names import map_columns
from platform_jobs.checking.report import Content, drift_plot, page
from platform_jobs.errors import ContractError
from platform_jobs.files import write_json
from platform_jobs.profile import profile_table
from platform_jobs.tables.dates import Moments, read_moments
from platform_jobs.tables.tables import Table, scan_table

if TYPE_CHECKING:
    from platform_jobs.checking.samples import Column, Sample
    from platform_jobs.large.fast_reader import Columns, Plain

# Bytes from which a plain file of numbers is read by arrays.
LARGE = 8 << 20
REPORT, PAGE, PLOT = "report.json", "report.html", "drift.svg"


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """The reference data: its figures, and its columns as arrays.

    `note` is the reason that there is no comparison with its rows, "" when there is one.
    """

    profile: Content | None = None
    columns: "Mapping[str, Column]" = field(default_factory=dict)
    note: str = ""
    plain: "Columns | None" = None


def read_earlier(
    reference: Path, schema: Sequence[str], dates: Sequence[str] = (), *, scratch: Path
) -> Earlier:
    """Return the reference data, whose columns `dates` have dates.

    Temporary files lie in the folder `scratch`.

    It is read before the new data and kept as arrays, so that the text cells of only one file are
    in memory. A file that cannot be read, or an environment without NumPy and SciPy, is a note.
    """
    try:
        return _read_earlier(reference, schema, dates, scratch)
    except ContractError as error:
        return Earlier(note=f"The reference data cannot be read: {error}")


def _read_earlier(
    reference: Path, schema: Sequence[str], dates: Sequence[str], scratch: Path
) -> Earlier:
    try:
        # The import takes longer than the reading of a small file.
        from platform_jobs.checking.samples import columns_of
        from platform_jobs.large.fast_reader import (
            profile_numbers,
            profile_plain,
            read_numbers,
        )
    except ImportError as error:
        note = (
            f"Distributions were not compared, because {error.name} is not installed where the "
            "data is prepared. Add numpy and scipy to the requirements of the training."
        )
        table = map_columns(scan_table(reference), schema)
        return Earlier(profile=profile_table(table, read_moments(table, dates)), note=note)
    large = _read_numbers(reference, scratch) if reference.stat().st_size >= LARGE else None
    if large is not None:
        names = map_columns(Table(columns=large.columns, rows=()), schema).columns
        if names == large.columns:
            return Earlier(profile=profile_plain(names, large.values, large.notes), plain=large)
    elif plain := read_numbers(reference.read_bytes()):
        header = map_columns(Table(columns=plain[0], rows=()), schema)
        if header.columns == plain[0]:
            columns = dict(zip(plain[0], plain[1].T, strict=True))
            return Earlier(profile=profile_numbers(*plain), columns=columns)
    table = map_columns(scan_table(reference), schema)
    moments = read_moments(table, dates)
    return Earlier(profile=profile_table(table, moments), columns=columns_of(table, moments))


def _read_numbers(reference: Path, scratch: Path) -> "Columns | None":
    """Return the numbers of a large file; None for another file, and without pyarrow."""
    try:
        from platform_jobs.large.forms import read_large_columns
    except ImportError:
        return None
    return read_large_columns(reference, scratch)


def read_large(data: Path, schema: Sequence[str], scratch: Path) -> "Plain | None":
    """Return a large plain file with the columns of the schema; None for every other file.

    Temporary files lie in the folder `scratch`.
    """
    try:
        if data.stat().st_size < LARGE:
            return None
        from platform_jobs.large.forms import read_large_file
    except (OSError, ImportError):
        return None
    plain = read_large_file(data, scratch)
    if plain is None or map_columns(Table(columns=plain.columns, rows=()), schema).notes:
        return None
    return plain


def check_table(
    table: Table,
    earlier: Earlier,
    target: str,
    group: str = "",
    moments: Moments | None = None,
    *,
    labels: Sequence[str] = (),
) -> Content:
    """Return `reference`, the profile of the reference data, and `check`, the comparison with it.

    `histograms` are for the report only. `check` has the compared rows of both and the findings,
    each with kind, severity, text, columns and p. The column `group` is not compared: later rows
    have other groups. The columns of `moments` have dates. More than two `labels` have no order,
    also where they are numbers.
    """
    content: Content = {"reference": earlier.profile}
    if earlier.note:
        note = {"kind": "reference", "severity": "note", "text": earlier.note}
        return content | {"check": uncompared([note | {"columns": [], "p": None}])}
    if not earlier.profile or not earlier.profile["rows"] or not table.rows or table.faults:
        return content | {"check": uncompared([])}

    from platform_jobs.checking.samples import as_words, columns_of, pair

    compared: Mapping[str, Column] = {
        name: one for name, one in columns_of(table, moments).items() if name != group
    }
    known = _columns(earlier)
    if len(labels) > 2:
        known, compared = as_words(known, target), as_words(compared, target)
    hashes = {hash(label): label for label in labels}
    return content | _comparison(*pair(known, compared), target, hashes)


def check_plain(plain: "Plain", earlier: Earlier, target: str) -> Content:
    """Return the content of `check_table` for the table in a large plain file."""
    if earlier.plain is None or earlier.plain.columns != plain.columns:
        if earlier.note or not earlier.profile or not earlier.profile["rows"]:
            return check_table(Table(columns=(), rows=()), earlier, target)
        from platform_jobs.checking.samples import pair

        samples = pair(_columns(earlier), dict(zip(plain.columns, plain.values, strict=True)))
    else:
        from platform_jobs.checking.samples import sample_of_columns

        old, new = (sample_of_columns(one.columns, one.values) for one in (earlier.plain, plain))
        samples = old, new
    return {"reference": earlier.profile} | _comparison(*samples, target)


def _columns(earlier: Earlier) -> "Mapping[str, Column]":
    if earlier.plain is None:
        return earlier.columns
    return dict(zip(earlier.plain.columns, earlier.plain.values, strict=True))


def _comparison(
    before: "Sample", now: "Sample", target: str, labels: Mapping[int, str] | None = None
) -> Content:
    import numpy as np

    from platform_jobs.checking.compare import MOST_ROWS, compare
    from platform_jobs.checking.histograms import histograms
    from platform_jobs.checking.samples import bounded

    # Numbers near the greatest double overflow; a p-value that is not a number counts as found.
    with np.errstate(all="ignore"):
        check = asdict(compare(before, now, target, labels))
        shown = histograms(*(bounded(one, MOST_ROWS) for one in (before, now)))
    for finding in check["findings"]:
        if finding["p"] is not None and not math.isfinite(finding["p"]):
            finding["p"] = None  # JSON has no such number
    return {"check": check, "histograms": shown}


def write_report(content: Content, out: Path) -> None:
    """Write `report.json`, `report.html` and, with histograms, `drift.svg` below `out`.

    The histograms are taken from `content`. Dates, whose window moves on, are not in `drift.svg`.
    """
    write_json(out / REPORT, content)
    (out / PAGE).write_text(page(content), encoding="utf-8")
    columns = [one for one in content.pop("histograms", ()) if "is_date" not in one]
    if columns:
        (out / PLOT).write_text(drift_plot(columns), encoding="utf-8")


def uncompared(findings: list[Content]) -> Content:
    """Return the content of `check` for data that was not compared."""
    return {"rows": 0, "reference_rows": 0, "findings": findings}
