"""Markdown of facts: texts in which nothing is markup, and tables."""

from collections.abc import Iterator, Sequence

from function_app.domain.text.figures import figure
from function_app.domain.text.payload_limits import shorten
from function_app.domain.text.plain_text import one_line
from function_app.domain.text.redaction import redact

MOST_OF_CELL = 400  # characters
_MARKS = "\\`*_[]<>|#"


def plain(value: object) -> str:
    """Return a value as a text of one line in which nothing is Markdown or HTML.

    A training chooses the names of its figures, and a sender the subject of an event. A number has
    4 significant digits, and a long text lacks its middle.
    """
    # Redacted first: a secret between escapes, or cut, would not be known any more.
    text = figure(value) if isinstance(value, float) else redact(str(value))
    text = shorten(" ".join(one_line(text).split()), MOST_OF_CELL)
    for mark in _MARKS:
        text = text.replace(mark, f"\\{mark}")
    return text


def table(
    head: Sequence[str], rows: Sequence[Sequence[object]], most: int | None = None
) -> Iterator[str]:
    """Yield the lines of a table; rows whose only facts are unknown (None or "") are left out.

    The first cell of a row is its name. After `most` rows, None for all, the rest is counted.
    """
    known = [row for row in rows if any(cell not in (None, "") for cell in row[1:])]
    if not known:
        yield "Nothing is recorded."
        return
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in known[:most]:
        name, *cells = row
        texts = [plain(str(name).replace("_", " "))]
        texts += ["" if cell is None else plain(cell) for cell in cells]
        yield f"| {' | '.join(texts)} |"
    if most is not None and len(known) > most:
        yield f"| {len(known) - most} more |{' |' * (len(head) - 1)}"
