"""The size of a model folder, and the time of its predict for many rows."""

import statistics
import time
from collections.abc import Sequence
from itertools import cycle, islice
from pathlib import Path

from platform_jobs.errors import ContractError
from platform_jobs.models.answers import MOST_TIMES, Answers
from platform_jobs.models.models import Project
from platform_jobs.tables.tables import Table, write_table

# predict is timed on so many rows, and on 1 row, in turn.
ROWS, PAIRS = 1_000, MOST_TIMES


def folder_size(folder: Path) -> int:
    """Return the bytes of all files below a folder."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())


def time_predict(
    project: Project, model: Path, features: Table, labels: Sequence[str], folder: Path
) -> tuple[float, ...]:
    """Return the milliseconds that predict takes longer for ROWS rows than for 1 row, PAIRS times.

    The rows of `features` are repeated to ROWS rows. The difference leaves out the start of the
    command and the loading of the model, which a service does once. `folder` must be empty.
    ContractError and KilledError as by `Project.predict`.
    """
    if not features.rows:
        raise ContractError(f"{project.name}: there is no row to measure predict by.")

    def seconds(asked: Project, rows: int) -> float:
        data, answer = folder / f"{rows}" / "features.csv", folder / f"{rows}-said" / "answer.csv"
        if not data.is_file():
            data.parent.mkdir(parents=True)
            answer.parent.mkdir()
            repeated = tuple(islice(cycle(features.rows), rows))
            write_table(data, Table(columns=features.columns, rows=repeated))
        start = time.perf_counter()
        asked.predict(model, data, rows, answer, labels)
        return time.perf_counter() - start

    with project.forked() as forked:
        # The first command waits for the imports of the fork server, and for cold files.
        seconds(forked, 1)
        return tuple(1000.0 * (seconds(forked, ROWS) - seconds(forked, 1)) for _ in range(PAIRS))


def cost_figures(answers: Answers) -> dict[str, float | None]:
    """Return the measured costs of a model, {} when none was measured.

    `size_bytes` is the size of the model folder. `milliseconds` is the median of the measured times
    for ROWS rows, and `milliseconds_low` the least one: a true median is below all PAIRS of them
    with a probability of 1 in 2^PAIRS (sign test: Lehmann and Romano 2005, section 4.9).
    """
    figures: dict[str, float | None] = {}
    if answers.size is not None:
        figures["size_bytes"] = answers.size
    if times := answers.milliseconds:
        figures |= {"milliseconds": statistics.median(times), "milliseconds_low": min(times)}
    return figures
