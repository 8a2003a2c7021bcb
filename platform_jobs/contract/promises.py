"""The promises of a model's commands beyond the form of their files; each is checked by a run.

An answer depends on its own row alone, columns are found by name, and the same rows make the same
model. A gate that judges by held-out rows, and a service that gets one row at a time, rely on them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from platform_jobs.errors import ContractError
from platform_jobs.files import file_digests
from platform_jobs.models.answers import Prediction, distance
from platform_jobs.models.models import Project
from platform_jobs.tables.tables import Table, write_table

REPEAT = "repeat"
_TOLERANCE = 1e-9
# Of the asked rows, the share that is asked alone.
_SHARE = 3
_ALONE = "Each answer may depend on its own row alone"
_NAMED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """A trained model: its folder, the rows it learned, and its answers to a table of features.

    `predicted` are numbers, of a classifier with two `labels` the probabilities of the last one,
    and of one with more labels rows of probabilities.
    `work` is a folder for the files of the checks.
    """

    project: Project
    seen: Path
    model: Path
    features: Table
    predicted: Sequence[Prediction]
    labels: tuple[str, ...]
    work: Path


@dataclass(frozen=True, slots=True)
class _Variation:
    """The same rows in another form: `indices` are their numbers, `columns` those of columns."""

    name: str
    indices: tuple[int, ...]
    columns: tuple[int, ...]
    words: str
    remedy: str


def check_answers(trained: Trained) -> Iterator[tuple[str, str]]:
    """Yield each promise of predict with its fault, "" where it is kept.

    All variations are asked together first; only when an answer differs is each asked apart.
    """
    rows = tuple(range(len(trained.features.rows)))
    columns = tuple(range(len(trained.features.columns)))
    few = rows[:: -max(1, min(_SHARE, len(rows) - 1))]
    together = _Variation("answers", few, columns[::-1], "rows and columns differ", _ALONE + ".")
    apart = (
        _Variation(
            REPEAT,
            rows,
            columns,
            "the same rows are asked again",
            "Set seeds, and let neither a clock nor chance decide.",
        ),
        _Variation(
            "order of rows",
            rows[::-1],
            columns,
            "the rows come in another order",
            f"{_ALONE}. Keep no state from row to row.",
        ),
        _Variation(
            "other rows",
            few[::-1],
            columns,
            "other rows are left out",
            f"{_ALONE}. Compute no mean, scale or rank of the asked rows: keep such figures in "
            "the model folder when you train.",
        ),
        _Variation(
            "order of columns",
            rows,
            columns[::-1],
            "the columns come in another order",
            "Find columns by the names in the header, not by their position.",
        ),
    )
    if not _fault(trained, together):
        yield from ((variation.name, "") for variation in apart)
        return
    fault = ""
    for variation in apart:
        one = _fault(trained, variation)
        yield variation.name, one
        if one and variation.name == REPEAT:
            # Answers that change from call to call differ in every other form, too.
            return
        fault = fault or one
    if not fault:
        yield "answers", _fault(trained, together)


def check_training(trained: Trained) -> tuple[str, str]:
    """Return the promise of train, and its fault: a second training must write the same files."""
    again = trained.work / "again"
    again.mkdir()
    try:
        trained.project.train(trained.seen, again)
    except ContractError as error:
        return "repeated training", f"{error} This happens when the same rows are trained again."
    first, second = file_digests(trained.model), file_digests(again)
    names = sorted(name for name in {*first, *second} if first.get(name) != second.get(name))
    if not names:
        return "repeated training", ""
    shown = ", ".join(names[:_NAMED]) + (" and more" if len(names) > _NAMED else "")
    return "repeated training", (
        f"{trained.project.name}: a second training on the same rows wrote other files: {shown}. "
        "Set seeds (random_state=0), sort sets before you use them, and write no time, path or "
        "memory address into a file."
    )


def _fault(trained: Trained, variation: _Variation) -> str:
    """Return the difference that a variation makes to the answers, "" for none."""
    given, name = trained.features, trained.project.name
    folder = trained.work / f"asks-{variation.name.replace(' ', '-')}"
    (folder / "asked").mkdir(parents=True, exist_ok=True)
    (folder / "said").mkdir(exist_ok=True)
    data = folder / "asked" / "features.csv"

    def pick(cells: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(cells[index] for index in variation.columns)

    rows = tuple(pick(given.rows[index]) for index in variation.indices)
    write_table(data, Table(columns=pick(given.columns), rows=rows))
    try:
        answers = trained.project.predict(
            trained.model, data, len(rows), folder / "said" / "answer.csv", trained.labels
        ).predictions
    except ContractError as error:
        return f"{error} This happens when {variation.words}. {variation.remedy}"
    for index, second in zip(variation.indices, answers, strict=True):
        first = trained.predicted[index]
        # A probability is at most 1.
        scale = 1.0 if isinstance(first, tuple) else max(1.0, abs(first))
        if distance(first, second) > _TOLERANCE * scale:
            return (
                f"{name}: predict answers row {index + 1} by {_shown(first)}, and by "
                f"{_shown(second)} when {variation.words}. {variation.remedy}"
            )
    return ""


def _shown(prediction: Prediction) -> str:
    if not isinstance(prediction, tuple):
        return f"{prediction:g}"
    most = ", ".join(f"{value:g}" for value in prediction[:_NAMED])
    return f"the probabilities {most}{', …' if len(prediction) > _NAMED else ''}"
