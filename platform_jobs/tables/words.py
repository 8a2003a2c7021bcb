"""Columns whose cells may be no numbers: labels of the target, categories, texts and dates."""

from collections.abc import Sequence
from dataclasses import dataclass

from platform_jobs.tables.cells import EMPTY, kind
from platform_jobs.tables.tables import Table

NUMBER, CATEGORY, TEXT, DATE, LABEL = "number", "category", "text", "date", "label"
# The kinds of features whose cells a model gets as texts.
TEXT_KINDS = (CATEGORY, TEXT, DATE)
_SHOWN, _EXAMPLES, _NAMED = 40, 3, 5


def read_label(cell: str) -> str:
    """Return the label of a cell, so that 1, 1.0 and " 1" are the same label; "" without one."""
    text = cell.strip()
    try:
        number = float(text)
        whole = int(number)
    except (ValueError, OverflowError):
        return text
    return str(whole) if number == whole and abs(number) < 1e15 else repr(number)


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """The labels of the target, () for a target of numbers, and the columns of words and dates.

    Of the columns of `dates` those of `future_dates` may have dates after the time of the check.
    """

    labels: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()
    future_dates: tuple[str, ...] = ()

    def describe(self, features: Sequence[str], target: str) -> dict[str, object]:
        """Return the kinds of columns for schema.json, and the labels where the target has some."""
        kinds = dict.fromkeys(features, NUMBER)
        kinds |= dict.fromkeys((name for name in features if name in self.categories), CATEGORY)
        kinds |= dict.fromkeys((name for name in features if name in self.texts), TEXT)
        kinds |= dict.fromkeys((name for name in features if name in self.dates), DATE)
        kinds[target] = LABEL if self.labels else NUMBER
        content: dict[str, object] = {"kinds": kinds}
        if self.labels:
            content["labels"] = list(self.labels)
        return content


def label_faults(table: Table, target: str, labels: Sequence[str]) -> list[str]:
    """Return the fault of cells of the target that are no label; [] without labels.

    Empty cells are not counted: the data gate names them as in each other column.
    """
    if not labels or target not in table.columns:
        return []
    index = table.columns.index(target)
    wrong = [
        (number, row[index])
        for number, row in enumerate(table.rows)
        if read_label(row[index]) not in labels and kind(row[index]) != EMPTY
    ]
    if not wrong:
        return []
    examples = list(dict.fromkeys(repr(cell.strip()[:_SHOWN]) for _, cell in wrong))[:_EXAMPLES]
    return [
        f"{target}: {len(wrong)} of {len(table.rows)} cells are none of the labels "
        f"{', '.join(labels)}, such as {' or '.join(examples)}, first in "
        f"{table.where([wrong[0][0]])}. "
        "Correct these cells, or correct `labels` of the model in mlops.toml."
    ]


def label_notes(table: Table, target: str, labels: Sequence[str]) -> list[str]:
    """Return the note that labels have no row, [] when each has one."""
    if target not in table.columns or not table.rows:
        return []
    index = table.columns.index(target)
    present = {read_label(row[index]) for row in table.rows}
    if not (absent := [label for label in labels if label not in present]):
        return []
    noun, verb = ("label", "has") if len(absent) == 1 else ("labels", "have")
    more = f" and {len(absent) - _NAMED} more" if len(absent) > _NAMED else ""
    shown = ", ".join(label[:_SHOWN] for label in absent[:_NAMED])
    return [
        f"{target}: the {noun} {shown}{more} {verb} no row, so that a model of this data alone "
        "gives no probability there."
    ]
