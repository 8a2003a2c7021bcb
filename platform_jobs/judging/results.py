"""The figures of judged answers, and the rows by which a smoke test asks the service."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from platform_jobs.errors import ContractError
from platform_jobs.judging.classification import classification_figures
from platform_jobs.judging.figures import regression_figures
from platform_jobs.tables.tables import Table
from platform_jobs.tables.words import CATEGORY, TEXT

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
    actual: Sequence[float],
    predicted: Sequence[float],
    chosen: Sequence[str],
    labels: Sequence[str],
) -> dict[str, float]:
    """Return the figures of answers; with labels those of a classification.

    `predicted` then has the probabilities of the last label, and `chosen` the model's labels. All
    but `labels` have shape (rows,).
    """
    if not labels:
        return regression_figures(actual, predicted)
    right = [
        (label == labels[-1]) == bool(truth) for label, truth in zip(chosen, actual, strict=True)
    ]
    return classification_figures(actual, predicted, right)


def golden_rows(
    features: Table,
    kinds: Mapping[str, str],
    labels: Sequence[str],
    predicted: Sequence[float],
    chosen: Sequence[str],
) -> dict[str, object]:
    """Return rows as requests to the service have them, and the answers that it must give."""
    kind_of = [kinds.get(name, "") for name in features.columns]
    golden: dict[str, object] = {
        "data": [
            [_value(cell, kind) for cell, kind in zip(row, kind_of, strict=True)]
            for row in features.rows[:GOLDEN_ROWS]
        ],
        "result": list(chosen if labels else predicted)[:GOLDEN_ROWS],
    }
    if labels:
        other, positive = labels
        golden["probabilities"] = [
            {other: 1.0 - number, positive: number} for number in predicted[:GOLDEN_ROWS]
        ]
    return golden


def _value(cell: str, kind: str) -> float | str:
    """Return the cell as a request to the service holds it: a number where it is one."""
    if kind in (CATEGORY, TEXT):
        return cell
    try:
        value = float(cell)
    except ValueError:
        return cell
    return value if math.isfinite(value) else cell
