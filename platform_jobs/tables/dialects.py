"""The separator and the quotes of a CSV, decided by whether header and rows agree.

Alternatives, tried on the files of tests/platform_jobs and on one-column tables: csv.Sniffer takes
the decimal point of a single column for a separator, and picks one of two separators on which
header and rows agree. clevercsv 0.8 answers as this module does, but picks one of two as well, and
would be a dependency of every job.
"""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from statistics import mode

from platform_jobs.errors import ContractError
from platform_jobs.limits import MAX_COLUMNS

NAMES = {
    ",": "commas",
    ";": "semicolons",
    "\t": "tabs",
    "|": "vertical bars",
    " ": "blanks",
}
# Separators that only custom exports write; they are named in the error and not read.
_RARE = {":": "colons", "^": "carets", "~": "tildes", "\x01": "Ctrl-A (Hive)", "\x1f": "US (ASCII)"}
_SAMPLE_ROWS = 500
# Characters in which a header is looked for; one of 10,000 long names still fits.
_HEADER = 4 << 20
# Excel writes and reads this first line.
_EXCEL = re.compile(r'"?sep=(.*?)"?[ \t]*', re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """The rules that split a text into fields; `skip` counts the lines above the header."""

    separator: str = ","
    quote: str = '"'
    skip: int = 0

    @property
    def notes(self) -> list[str]:
        """Return the differences from commas and double quotes, as sentences."""
        notes = []
        if self.skip:
            notes.append("Its first line is Excel's `sep=`.")
        if self.separator != ",":
            notes.append(f"Its columns are separated by {NAMES[self.separator]}.")
        if self.quote != '"':
            notes.append("Its cells stand in single quotes.")
        return notes


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """The fields of one row and the line of the file in which it begins, counted from 1."""

    line: int
    fields: list[str]


def records(text: str, dialect: Dialect) -> Iterator[Record]:
    """Yield the rows of all lines that are not blank.

    Raises ContractError, with the line, for a quote that is broken.
    """
    lines = io.StringIO(text, newline="")
    for _ in range(dialect.skip):
        lines.readline()
    # "a, "b"": quotes count after a blank, too. A blank cannot be skipped where it separates.
    reader = csv.reader(
        lines,
        delimiter=dialect.separator,
        quotechar=dialect.quote,
        skipinitialspace=dialect.separator != " ",
        strict=True,
    )
    line = dialect.skip + 1
    while True:
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise ContractError(_broken(line, error)) from None
        if fields:
            yield Record(line=line, fields=fields)
        line = dialect.skip + reader.line_num + 1


def check_width(text: str, most: int = MAX_COLUMNS) -> None:
    """Raise ContractError when the header has more than `most` columns in any dialect.

    It counts separators in one line, because everything after it costs time for each column.
    """
    lines = iter(io.StringIO(text[:_HEADER], newline=None))
    header = next(
        (line for line in lines if line.strip() and not _EXCEL.fullmatch(line.strip())), ""
    )
    counts = {name: header.count(mark) for mark, name in (NAMES | _RARE).items()}
    widest = max(counts, key=lambda name: counts[name])
    if counts[widest] >= most:
        raise ContractError(
            f"The header has {counts[widest] + 1} columns or more, separated by {widest}; at most "
            f"{most} are read. Keep the columns that the model needs."
        )


def detect(text: str) -> Dialect:
    """Return the dialect in which header and rows agree; ContractError names one that is refused.

    Rows that agree in no dialect are left to the reader, which names their lines.
    """
    first = re.split(r"[\r\n]", text, maxsplit=1)[0]
    quote = "'" if re.match(r"\s*'[^']*'\s*[,;\t|]\s*'", first) else '"'
    if excel := _EXCEL.fullmatch(first):
        separator = "\t" if excel[1] in ("", "\\t") else excel[1]
        if separator not in NAMES:
            raise ContractError(
                f"The first line, `{first.strip()[:20]}`, names the separator {separator!r}; only "
                f"{', '.join(NAMES.values())} are read. Save the file with commas."
            )
        return Dialect(separator=separator, quote=quote, skip=1)
    shapes = {mark: shape for mark in ",;\t|" if (shape := _shape(text, mark, quote)).width > 1}
    agreeing = [mark for mark, shape in shapes.items() if shape.agrees]
    if len(agreeing) > 1:
        both = " or ".join(NAMES[mark] for mark in agreeing)
        raise ContractError(
            f"The columns may be separated by {both}: header and rows agree on either. Save the "
            "file with one separator, and with quotes around cells that hold the other."
        )
    if agreeing:
        return Dialect(separator=agreeing[0], quote=quote)
    if shapes:
        return Dialect(separator=max(shapes, key=lambda mark: shapes[mark].rank), quote=quote)
    return _without_usual_separator(text, quote)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shape:
    """The agreement of header and rows on a separator.

    `width` is the greater of the header's width and the most frequent one; rows agree with a
    header of several fields when they have as many, or one more at an end. `rank` orders
    separators on which not all rows agree.
    """

    width: int = 0
    agrees: bool = False
    rank: tuple[bool, float, int] = (False, 0.0, 0)


def _without_usual_separator(text: str, quote: str) -> Dialect:
    for mark, name in _RARE.items():
        shape = _shape(text, mark, quote)
        if shape.agrees:
            raise ContractError(
                f"The columns are separated by {name}. Save the file with commas as separators."
            )
    aligned = re.search(r"\S[ ]{2,}\S", text.partition("\n")[0])
    if not aligned and _shape(text, " ", quote).agrees:
        return Dialect(separator=" ", quote=quote)
    widths = {len(re.split(r"\s+", line.strip())) for line in text.splitlines() if line.strip()}
    if len(widths) == 1 and widths != {1}:
        raise ContractError(
            "The columns are aligned with several blanks (fixed width). Save the file with commas "
            "as separators."
        )
    return Dialect(quote=quote)


def _shape(text: str, mark: str, quote: str) -> _Shape:
    widths = []
    try:
        for row in islice(records(text, Dialect(separator=mark, quote=quote)), _SAMPLE_ROWS):
            widths.append(len(row.fields))
    except ContractError:
        # Quotes that are broken in this dialect may be whole in another; the reader tells.
        pass
    if not widths:
        return _Shape()
    header, *rows = widths
    frequent = mode(rows or widths)
    width = max(header, frequent)
    return _Shape(
        width=width,
        agrees=header > 1 and set(rows) <= {header, header + 1},
        rank=(header == frequent, rows.count(frequent) / max(1, len(rows)), width),
    )


def _broken(line: int, error: csv.Error) -> str:
    if "unexpected end of data" in str(error) or "field larger" in str(error):
        return f'A quote (") is opened in line {line} and never closed. Close or remove it.'
    return (
        f"Line {line} holds a closing quote that no separator follows ({error}). Write a quote "
        'inside of a quoted cell twice ("").'
    )
