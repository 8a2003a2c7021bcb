"""From records to rows of one width: leaves out cells without content, names every other fault."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from platform_jobs.tables import cells
from platform_jobs.tables.dialects import NAMES, Dialect, Record

# Lines that a fault names.
_SHOWN = 3
# A first line with less fields than this may be a title.
_TITLE_WIDTH = 3
_UNNAMED = re.compile(r"Unnamed: \d+(\.\d+)*")
_COUNT = re.compile(r"\d+")


@dataclass(kw_only=True, slots=True)
class Shape:
    """Header and rows while they are brought to one width, with notes and faults."""

    header: Record
    rows: list[Record]
    dialect: Dialect
    # The first line holds no names, so that no column can be compared with the schema.
    is_headless: bool = False
    notes: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    @property
    def width(self) -> int:
        """Return the number of columns that the header names."""
        return len(self.header.fields)

    def leave_out_blank_rows(self) -> None:
        """Leave out rows of separators only, which Excel writes below a table."""
        blank = [row.line for row in self.rows if len(row.fields) > 1 and not any(row.fields)]
        if blank:
            self.rows = [row for row in self.rows if len(row.fields) == 1 or any(row.fields)]
            self.notes.append(f"{_rows(blank)} held only separators and {_were(blank)} left out.")

    def leave_out_trailing_cells(self) -> None:
        """Leave out the empty cells after the last column."""
        header = self.header.fields
        named = max((place for place, name in enumerate(header, start=1) if name), default=1)
        if named < len(header):
            # A column without a name stays when one of its cells holds something.
            ends = (_end(row.fields[: len(header)]) for row in self.rows)
            del header[max(named, *ends, 1) :]
        long = [row for row in self.rows if len(row.fields) > self.width]
        trimmed = [row for row in long if not any(row.fields[self.width :])]
        for row in trimmed:
            del row.fields[self.width :]
        if trimmed:
            self.notes.append(
                f"{len(trimmed)} of {len(self.rows)} rows end with a separator, whose empty cell "
                "was left out."
            )

    def leave_out_index(self) -> None:
        """Leave out row numbers or names of R or pandas: a first column without a name."""
        first = [row.fields[0] for row in self.rows if row.fields]
        header = self.header.fields
        if not first:
            # A part without rows has the header of the parts with rows.
            while self.width > 1 and (not header[0] or _UNNAMED.fullmatch(header[0])):
                header.pop(0)
            return
        if self.width > 1 and not header[0]:
            header.pop(0)
            self._drop_first("a first column without a name")
        elif self.width > 1 and all(len(row.fields) == self.width + 1 for row in self.rows):
            # R's write.table names one column less than it writes. A first column of measurements
            # may as well be the first named one, so only counts and words are an index; and "1,5"
            # may be one number with a decimal comma.
            distinct = len(set(first)) == len(first)
            certain = self.dialect.separator != "," or self._has_points(self.rows)
            if (
                certain
                and distinct
                and all(_COUNT.fullmatch(cell) or _is_word(cell) for cell in first)
            ):
                self._drop_first("a first column that the header lacks")
        while self.width > 1 and _UNNAMED.fullmatch(header[0]):
            if not all(_COUNT.fullmatch(row.fields[0]) for row in self.rows):
                return
            name = header.pop(0)
            self._drop_first(f"the column {name!r}")

    def check_header(self) -> None:
        """Find names that are absent or occur twice, and numbers in place of names."""
        names = self.header.fields
        line = self.header.line
        whole = self.width == 1 and all(len(row.fields) == 1 for row in self.rows)
        if whole and re.search(r"[,;\t]", names[0]):
            self.is_headless = True
            self.faults.append(
                f"Each line as a whole stands in quotes, so that the header in line {line} is one "
                f"name, {names[0][:40]!r}. Save the file without these quotes."
            )
            return
        if _are_numbers(names):
            self.is_headless = True
            self.faults.append(
                f"The file has no header: line {line} holds numbers ({_some(names)}). Add a first "
                "line with the names of the columns."
            )
            return
        absent = [place for place, name in enumerate(names, start=1) if not name]
        if absent:
            self.faults.append(
                f"The header in line {line} has no name for column {_some(absent)} of "
                f"{len(names)}. Name each column or remove it."
            )
        places_of: dict[str, list[int]] = {}
        for place, name in enumerate(names, start=1):
            places_of.setdefault(name, []).append(place)
        for name, places in places_of.items():
            if name and len(places) > 1:
                self.faults.append(
                    f"The header in line {line} names {name!r} {len(places)} times (columns "
                    f"{_some(places)}). Give each column a name of its own."
                )

    def check_rows(self, *, cut_off: bool) -> None:
        """Find rows of another width and repeated headers, and leave them out.

        `cut_off` says that the file does not end with a line end.
        """
        repeated = [row.line for row in self.rows if row.fields == self.header.fields]
        if repeated:
            self.faults.append(
                f"The header is repeated in {_lines(repeated)}, as in files that were joined. "
                "Remove it there."
            )
        others = [row for row in self.rows if len(row.fields) != self.width]
        if others:
            last = self.rows[-1]
            alone = cut_off and others == [last] and len(last.fields) < self.width
            self.faults.append(self._cut_off(last) if alone else self._ragged(others))
        self.rows = [
            row
            for row in self.rows
            if len(row.fields) == self.width and row.fields != self.header.fields
        ]

    def read_decimal_commas(self) -> None:
        """Write numbers with a decimal point when the file proves that its sign is the comma."""
        if cells.use_decimal_commas(cell for row in self.rows for cell in row.fields):
            for row in self.rows:
                row.fields[:] = map(cells.with_point, row.fields)
            self.notes.append("Its numbers are written with a decimal comma.")

    def _has_points(self, rows: Sequence[Record]) -> bool:
        return any(cells.is_fraction(cell) for row in rows for cell in row.fields)

    def _drop_first(self, name: str) -> None:
        for row in self.rows:
            row.fields.pop(0)
        self.notes.append(f"It has {name} (row numbers or names), which was left out.")

    def _cut_off(self, last: Record) -> str:
        return (
            f"The last line, {last.line}, has {len(last.fields)} of {self.width} fields and no "
            "line end: the file is perhaps cut off. Upload it again."
        )

    def _ragged(self, others: Sequence[Record]) -> str:
        separator = NAMES[self.dialect.separator]
        width, count = Counter(len(row.fields) for row in others).most_common(1)[0]
        if count > 0.5 * len(self.rows):
            self.is_headless = True
            return (
                f"The header in line {self.header.line} ({_some(self.header.fields)}) has "
                f"{_fields(self.width)}, but {count} of {len(self.rows)} rows have {width}, "
                f"separated by {separator}. {self._cause_of_another_width(others, width)}"
            )
        shown = "; ".join(
            f"line {row.line} has {_fields(len(row.fields))}" for row in others[:_SHOWN]
        )
        more = f"; and {len(others) - _SHOWN} more rows" if len(others) > _SHOWN else ""
        return (
            f"{len(others)} of {len(self.rows)} rows do not have the header's {self.width} fields "
            f"(separated by {separator}): {shown}{more}. Correct these lines."
        )

    def _cause_of_another_width(self, others: Sequence[Record], width: int) -> str:
        causes = []
        commas = self.dialect.separator == "," and width <= 2 * self.width
        if commas and not self._has_points(others):
            causes.append(
                "the numbers have decimal commas: save the file with decimal points, or with "
                "semicolons as separators"
            )
        if width == self.width + 1 and self.width > 1:
            causes.append("the rows begin with an index: name that column in the header too")
        if width > self.width and self.width < _TITLE_WIDTH:
            causes.append("the first line is a title: remove it")
        return f"Perhaps {'; or '.join(causes)}." if causes else "Correct the header or the rows."


def _are_numbers(names: Sequence[str]) -> bool:
    """Return whether a header holds measurements; 0, 1, 2, … are names that pandas gives."""
    values = [cells.number(name) for name in names]
    if None in values or not names:
        return False
    counted = [str(int(values[0] or 0) + place) for place in range(len(names))]
    return list(names) != counted


def _end(fields: Sequence[str]) -> int:
    """Return how many cells there are up to the last one that holds something."""
    return next((place for place in range(len(fields), 0, -1) if fields[place - 1]), 0)


def _is_word(cell: str) -> bool:
    return cells.number(cell) is None and cells.kind(cell) == cells.WORD


def _some(items: Sequence[object]) -> str:
    shown = ", ".join(str(item)[:40] for item in items[:_SHOWN])
    return f"{shown}, …" if len(items) > _SHOWN else shown


def _fields(count: int) -> str:
    return "1 field" if count == 1 else f"{count} fields"


def _rows(lines: Sequence[int]) -> str:
    return f"1 row (line {lines[0]})" if len(lines) == 1 else f"{len(lines)} rows ({_lines(lines)})"


def _were(lines: Sequence[int]) -> str:
    return "was" if len(lines) == 1 else "were"


def _lines(lines: Sequence[int]) -> str:
    return f"{'line' if len(lines) == 1 else 'lines'} {_some(lines)}"
