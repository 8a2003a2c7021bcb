"""The figures of judged answers, and the rows by which a smoke test asks the service."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from platform_jobs.errors import ContractError
from platform_jobs.judging.classification import classification_figures
from platform_jobs.judging.figures import regression_figures
from platform_jobs.judging.multiclass.figures import multiclass_figures
from platform_jobs.judging.multiclass.plots import write_multiclass_plots
from platform_jobs.judging.plots import write_plots
from platform_jobs.models.answers import Answers
from platform_jobs.tables.tables import Table
from platform_jobs.tables.words import TEXT_KINDS

GOLDEN_ROWS = 5
MODEL_SCHEMA = "model_schema.json"


def check_schema(model: Path, labels: Sequence[str]) -> None:
    """Raise ContractError when the model's own model_schema.json lacks the labels of the target.

    It takes precedence in the image, so that the service would answer by numbers.
    """
    try:
        own = json.loads((model / MODEL_SCHEMA).read_text(encoding="utf-8")).get("labels", [])
    except (OSError, ValueError, AttributeError, RecursionError):
        return
    if labels and own != list(labels):
        raise ContractError(
            f"{MODEL_SCHEMA} in the model folder has not the labels {', '.join(labels)[:200]}. "
            "Write no such file, because the platform writes it, or add `labels` and `kinds`."
        )


def figures_of(
    actual: Sequence[float], answers: Answers, labels: Sequence[str]
) -> dict[str, float]:
    """Return the figures of answers; with labels those of a classification.

    `actual` has shape (rows,), as in `HeldOut`.
    """
    if not labels:
        return regression_figures(actual, answers.numbers)
    pairs = zip(answers.labels, actual, strict=True)
    right = [label == labels[int(truth)] for label, truth in pairs]
    if answers.probabilities:
        return multiclass_figures(actual, answers.probabilities, right)
    return classification_figures(actual, answers.numbers, right)


def plot_answers(
    folder: Path, actual: Sequence[float], answers: Answers, labels: Sequence[str]
) -> None:
    """Write the plots of answers below a folder; `actual` has shape (rows,), as in `HeldOut`."""
    if answers.probabilities:
        write_multiclass_plots(folder, labels, actual, answers.probabilities, answers.labels)
    else:
        write_plots(folder, actual, answers.numbers)


def golden_rows(
    features: Table,
    kinds: Mapping[str, str],
    labels: Sequence[str],
    answers: Answers,
) -> dict[str, object]:
    """Return rows as requests to the service have them, and the answers that it must give."""
    kind_of = [kinds.get(name, "") for name in features.columns]
    golden: dict[str, object] = {
        "data": [
            [_value(cell, kind) for cell, kind in zip(row, kind_of, strict=True)]
            for row in features.rows[:GOLDEN_ROWS]
        ],
        "result": list(answers.labels if labels else answers.numbers)[:GOLDEN_ROWS],
    }
    if labels:
        given = answers.probabilities or [(1.0 - number, number) for number in answers.numbers]
        golden["probabilities"] = [
            dict(zip(labels, row, strict=True)) for row in given[:GOLDEN_ROWS]
        ]
    return golden


def _value(cell: str, kind: str) -> float | str:
    """Return the cell as a request to the service holds it: a number where it is one."""
    if kind in TEXT_KINDS:
        return cell
    try:
        value = float(cell)
    except ValueError:
        return cell
    return value if math.isfinite(value) else cell
