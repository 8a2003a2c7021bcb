"""Kinds of cells: a number, or one of the reasons why it is none."""

import math
import re
import unicodedata
from collections.abc import Iterable, Sequence

EMPTY = "empty"
NOT_AVAILABLE = "not_available"
NOT_FINITE = "not_finite"
FORMULA_ERROR = "formula_error"
DATE = "date"
DECIMAL_COMMA = "decimal_comma"
AMBIGUOUS_COMMA = "ambiguous_comma"
THOUSANDS = "thousands"
UNIT = "unit"
TRUTH = "truth"
NOTATION = "notation"
WORD = "word"

# Each text matches in one way only: "\d+\.?\d*" takes hours for 100,000 digits and a letter.
_DIGITS = r"(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?"
_NUMBER = re.compile(rf"[+-]?{_DIGITS}", re.ASCII)
_FRACTION = re.compile(r"[+-]?(?:\d*\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_COMMA = re.compile(r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?", re.ASCII)
# "1,234" is 1.234 in one country and 1234 in another; "0,234" and "1,23" are decimals in each.
_AMBIGUOUS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}", re.ASCII)
# Groups of three after a comma, point, apostrophe, blank or one of the narrow blanks.
_THOUSANDS = re.compile(
    r"[+-]?\d{1,3}(?:(?:,\d{3})+(?:\.\d+)?|(?:\.\d{3})+,\d+|(?:\.\d{3}){2,}"
    r"|(?:['\u2019 \u00a0\u2009\u202f]\d{3})+(?:[.,]\d+)?)",
    re.ASCII,
)
_MONTH = r"(?:jan|feb|m[aä]r|apr|ma[iy]|jun|jul|aug|sep|o[ck]t|nov|de[cz])[a-zä]*\.?"
_TIME = r"\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?\s*(?:[ap]m)?\s*(?:Z|UTC|[+-]\d{2}:?\d{2})?"
_DATE = re.compile(
    rf"(?:\d{{4}}[-/.]\d{{1,2}}[-/.]\d{{1,2}}|\d{{1,2}}[-/.]\d{{1,2}}[-/.](?:\d{{4}}|\d{{2}})"
    rf"|\d{{1,2}}[-. ]{{1,2}}{_MONTH}(?:[-. ,]{{1,2}}\d{{2,4}})?"
    rf"|{_MONTH}[- ]\d{{1,2}}(?:,?[ ]\d{{4}})?)(?:[T ]\s*{_TIME})?|{_TIME}",
    re.IGNORECASE,
)
_UNIT = re.compile(
    rf"[+-]?[€$£¥]\s*{_DIGITS}|[+-]?{_DIGITS}(?:\s*[%‰€$£¥]|\s+[A-Za-z°µ²³/€]{{1,6}})",
    re.ASCII | re.IGNORECASE,
)
_NOT_FINITE = {"nan", "inf", "infinity", "1.#inf", "1.#qnan", "1.#ind", "nan(ind)", "∞"}
_NOT_AVAILABLE = {
    *("na", "n/a", "#n/a", "#na", "n.a.", "n.a", "n/v", "k.a.", "<na>", "null", "(null)", "#null!"),
    *("none", "nil", "nat", "\\n", "-", "--", "---", "\u2013", "\u2014", "?", "??", ".", "..", "*"),
    *("missing", "unknown", "undefined", "not available", "(blank)", "leer"),
}
# Signs that word processors write for a minus.
_MINUS = dict.fromkeys(map(ord, "\u2212\u2010\u2011\u2012\u2013\u2014"), "-")
_TRUTH = {"true", "false", "yes", "no", "ja", "nein", "wahr", "falsch", "y", "n", "t", "f"}


def number(text: str) -> float | None:
    """Return the value of a cell, or None when it is not a finite number.

    float() alone would read "1_000", full-width digits, "nan" and "infinity".
    """
    text = text.strip()
    if not _NUMBER.fullmatch(text):
        return None
    value = float(text)
    return value if math.isfinite(value) else None


def numbers(cells: Sequence[str]) -> list[float] | None:
    """Return the values of a column in which every cell is a number, else None; it is fast."""
    try:
        values = list(map(float, cells))
    except ValueError:
        return None
    joined = "".join(cells)
    right = all(map(math.isfinite, values)) and joined.isascii() and "_" not in joined
    return values if right else None


def kind(text: str) -> str:
    """Return why a cell is not a finite number."""
    text = text.strip()
    lower = text.lower()
    if not text:
        return EMPTY
    if lower.lstrip("+-") in _NOT_FINITE or _NUMBER.fullmatch(text):
        return NOT_FINITE
    if lower in _NOT_AVAILABLE:
        return NOT_AVAILABLE
    if re.fullmatch(r"#[A-ZÄÖÜ0-9/]+[!?]", text):
        return FORMULA_ERROR
    if lower in _TRUTH:
        return TRUTH
    for name, pattern in (
        (AMBIGUOUS_COMMA, _AMBIGUOUS),
        (DECIMAL_COMMA, _COMMA),
        (THOUSANDS, _THOUSANDS),
        (DATE, _DATE),
        (UNIT, _UNIT),
    ):
        if pattern.fullmatch(text):
            return name
    return NOTATION if _is_notation(text) else WORD


def _is_notation(text: str) -> bool:
    """Return whether a person reads a number: (5), 5-, '5, 1_000, 0x1F, other digits or signs."""
    plain = unicodedata.normalize("NFKC", text).translate(_MINUS).replace("_", "")
    if plain.startswith("(") and plain.endswith(")"):
        plain = plain[1:-1]
    plain = plain.strip("' ").removesuffix("-").removeprefix("=")
    return bool(_NUMBER.fullmatch(plain) or re.fullmatch(r"0x[0-9a-f]+", plain, re.I))


def use_decimal_commas(given: Iterable[str]) -> bool:
    """Return whether the cells of a file prove that its decimal sign is the comma.

    One cell must be a decimal in every country, and none may be written with a decimal point or
    with separators of thousands.
    """
    proven = False
    for cell in given:
        if is_fraction(cell):
            return False
        if "," not in cell:
            continue
        if _COMMA.fullmatch(cell):
            proven = proven or not _AMBIGUOUS.fullmatch(cell)
        elif _THOUSANDS.fullmatch(cell):
            return False
    return proven


def is_fraction(cell: str) -> bool:
    """Return whether a cell is a number with a decimal point."""
    return _FRACTION.fullmatch(cell) is not None


def with_point(cell: str) -> str:
    """Return a number that is written with a decimal comma with a decimal point."""
    return cell.replace(",", ".") if _COMMA.fullmatch(cell) else cell
