"""Columns of dates in the data check: dates that stand for none, future dates, and their range.

A window of dates moves on from file to file, so that later dates are expected. Dates that lie
earlier than the reference data's, and a gap after them, may be damage or a backfill.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from platform_jobs.checking.findings import Family, Finding, Severity
from platform_jobs.tables.dates import EPOCH, Moments, utc
from platform_jobs.tables.tables import Table

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from platform_jobs.checking.samples import Sample

    Seconds = NDArray[np.float64]

# Days that programs write for a missing date: zero of Unix, of spreadsheets, of Windows' FILETIME,
# of SQL Server, of Python and .NET, and the last day that databases hold.
SENTINELS = tuple(
    date.fromisoformat(day)
    for day in (
        *("1970-01-01", "1899-12-30", "1899-12-31", "1900-01-01", "1601-01-01", "1753-01-01"),
        *("0001-01-01", "9999-12-31"),
    )
)
# A sentinel without another date within so many days is none of the column's dates.
APART = 366
# Clocks differ by at most 14 hours between time zones.
TOLERANCE = timedelta(days=1)
# The shortest gap after the reference data that is a finding, in days.
GAP = 30
OUTLIER = 8.0  # standard deviations
_DAY = 86_400.0
# Seconds of the first and the last day that Python has.
_FIRST = (datetime.min.replace(tzinfo=UTC) - EPOCH).total_seconds()
_LAST = (datetime(9999, 12, 31, tzinfo=UTC) - EPOCH).total_seconds()
# Dates of each file from which one population leaves no gap between both.
_GAP_ROWS = 30


def date_faults(
    table: Table, moments: Moments, may_lie_ahead: Sequence[str], now: datetime
) -> Iterator[Finding]:
    """Yield the faults of the dates of a file by itself; `now` has a time zone.

    Columns of `may_lie_ahead` may have dates after `now`.
    """
    for name, given in moments.items():
        known = [(row, moment) for row, moment in enumerate(given) if moment]
        yield from _mixed_zones(name, known, table)
        planted = _sentinels(name, known, table)
        yield from (finding for _, finding in planted)
        left_out = {day for day, _ in planted}
        if name not in may_lie_ahead:
            others = [one for one in known if utc(one[1]).date() not in left_out]
            yield from _future(name, others, table, now)


def compare_dates(before: "Sample", now: "Sample") -> Iterator[tuple[Family, Finding]]:
    """Yield the tests of the columns of dates of two samples.

    Each p-value is that of equal populations; later dates are no finding.
    """
    from platform_jobs.checking import two_samples

    for name, old in before.dates.items():
        new = now.dates[name]
        p = two_samples.location(old, new)
        rank = float(two_samples.ranks(_joined(old, new))[len(old) :].mean())
        is_earlier = rank < (len(old) + len(new) + 1) / 2
        text = (
            f"{name}: the dates lie earlier than the reference data's: {_range(new)}, in the "
            f"middle {day_of(_middle(new))}; there {_range(old)}, in the middle "
            f"{day_of(_middle(old))}. Perhaps old rows came again, or years are wrong."
        )
        yield (
            Family.COLUMNS,
            Finding(
                kind="earlier dates",
                severity=Severity.SHIFT,
                text=text,
                columns=(name,),
                p=p / 2.0 if is_earlier else 1.0 - p / 2.0,
            ),
        )
        for sentinel in SENTINELS:
            counts = [_count(one, sentinel) for one in (old, new)]
            if not counts[1]:
                continue
            text = (
                f"{name}: {counts[1]} of {len(new)} dates are {sentinel}, and {counts[0]} of "
                f"{len(old)} in the reference data. Perhaps it stands for missing dates. "
                "Correct them."
            )
            yield (
                Family.ATOMS,
                Finding(
                    kind="date sentinel",
                    severity=Severity.FAULT,
                    text=text,
                    columns=(name,),
                    p=two_samples.more_often(counts[0], len(old), counts[1], len(new)),
                ),
            )


def moved_dates(before: "Sample", now: "Sample") -> Iterator[Finding]:
    """Yield gaps after the reference data, notes on windows that moved on, and outliers.

    Two samples of one population overlap, when both have _GAP_ROWS dates.
    """
    for name, old in before.dates.items():
        new = now.dates[name]
        oldest, newest = float(old.min()), float(old.max())
        span = newest - oldest
        gap = float(new.min()) - newest
        ranges = f"{_range(new)}; the reference data {_range(old)}"
        if gap > max(span, GAP * _DAY) and min(len(old), len(new)) >= _GAP_ROWS:
            text = (
                f"{name}: the dates begin {gap / _DAY:.0f} days after the reference data ends: "
                f"{ranges}. Perhaps rows between are missing, or years are wrong."
            )
            yield Finding(kind="gap of dates", severity=Severity.SHIFT, text=text, columns=(name,))
        elif later := int((new > newest).sum()):
            text = (
                f"{name}: {later} of {len(new)} dates are later than the reference data's: "
                f"{ranges}."
            )
            yield Finding(kind="later dates", severity=Severity.NOTE, text=text, columns=(name,))
        limit = oldest - max(OUTLIER * float(old.std()), _DAY)
        if early := int((new < limit).sum()):
            text = (
                f"{name}: {early} of {len(new)} dates lie more than {OUTLIER:g} standard "
                f"deviations before the oldest of the reference data, such as "
                f"{day_of(float(new.min()))}. Examine them."
            )
            yield Finding(kind="outlier", severity=Severity.NOTE, text=text, columns=(name,))


def _mixed_zones(
    name: str, known: Sequence[tuple[int, datetime]], table: Table
) -> Iterator[Finding]:
    with_zone = [row for row, moment in known if moment.tzinfo is not None]
    without = [row for row, moment in known if moment.tzinfo is None]
    if not with_zone or not without:
        return
    text = (
        f"{name}: {len(with_zone)} of {len(known)} dates have a time zone, first in "
        f"{table.where(with_zone[:1])}, and the others have none, first in "
        f"{table.where(without[:1])}. Write all in UTC "
        "with Z, or all without a zone."
    )
    yield Finding(kind="time zones", severity=Severity.FAULT, text=text, columns=(name,))


def _sentinels(
    name: str, known: Sequence[tuple[int, datetime]], table: Table
) -> list[tuple[date, Finding]]:
    """Return the sentinels that lie apart from all other dates of the column."""
    days = {utc(moment).date() for _, moment in known}
    planted = []
    for sentinel in SENTINELS:
        if sentinel not in days:
            continue
        near = (day for day in days if day not in SENTINELS)
        if any(abs((day - sentinel).days) < APART for day in near):
            continue
        rows = [row for row, moment in known if utc(moment).date() == sentinel]
        text = (
            f"{name}: {len(rows)} of {len(known)} dates are {sentinel}, which programs write for "
            "a missing date, and no other date lies within a year of it, first in "
            f"{table.where(rows)}. Write the true dates, or leave these rows out."
        )
        finding = Finding(kind="date sentinel", severity=Severity.FAULT, text=text, columns=(name,))
        planted.append((sentinel, finding))
    return planted


def _future(
    name: str, known: Sequence[tuple[int, datetime]], table: Table, now: datetime
) -> Iterator[Finding]:
    latest = now + TOLERANCE
    ahead = [(row, moment) for row, moment in known if utc(moment) > latest]
    if not ahead:
        return
    text = (
        f"{name}: {len(ahead)} of {len(table.rows)} dates lie in the future, such as "
        f"{max(utc(moment) for _, moment in ahead).date()}, first in "
        f"{table.where([row for row, _ in ahead])}; the check ran on {now.date()}. Correct them; "
        f"or, where such dates are right, add {name} to `future_dates` of the model in mlops.toml."
    )
    yield Finding(kind="future dates", severity=Severity.FAULT, text=text, columns=(name,))


def day_of(moment: float) -> str:
    """Return the day of a number of seconds of the Unix epoch, of the years 1 to 9999."""
    return (EPOCH + timedelta(seconds=min(max(moment, _FIRST), _LAST))).date().isoformat()


def _joined(old: "Seconds", new: "Seconds") -> "Seconds":
    import numpy as np

    return np.concatenate([old, new])


def _middle(moments: "Seconds") -> float:
    return float(sorted(moments.tolist())[len(moments) // 2])


def _count(moments: "Seconds", day: date) -> int:
    begin = (datetime(day.year, day.month, day.day, tzinfo=UTC) - EPOCH).total_seconds()
    return int(((moments >= begin) & (moments < begin + _DAY)).sum())


def _range(moments: "Seconds") -> str:
    return f"{day_of(float(moments.min()))} to {day_of(float(moments.max()))}"
