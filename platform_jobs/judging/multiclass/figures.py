"""Figures of a classification with more than two labels."""

import math
from collections.abc import Sequence

from platform_jobs.judging.classification import LEAST, area_under_curve
from platform_jobs.judging.multiclass.losses import Row


def multiclass_figures(
    actual: Sequence[float], predicted: Sequence[Row], right: Sequence[bool]
) -> dict[str, float]:
    """Return accuracy, log_loss, brier and auc, all without a unit.

    `actual` are numbers of labels and `right` says where the label that the model chose is true,
    both of shape (rows,); `predicted` has shape (rows, labels). log_loss is the mean of -ln p of
    the true label, with p at least 1e-15; brier is the mean of the sum over the labels of
    (p - truth)^2 (Brier 1950); auc is the unweighted mean of the areas under the ROC curves of the
    labels that occur, each against all others, left out when all rows have one label.
    """
    rows = len(actual)
    pairs = [(int(truth), row) for truth, row in zip(actual, predicted, strict=True)]
    figures = {
        "accuracy": sum(right) / rows,
        "log_loss": math.fsum(-math.log(max(row[truth], LEAST)) for truth, row in pairs) / rows,
        "brier": math.fsum(
            (p - (label == truth)) ** 2 for truth, row in pairs for label, p in enumerate(row)
        )
        / rows,
    }
    occurring = sorted({truth for truth, _ in pairs})
    areas = [
        area
        for label in occurring
        if (
            area := area_under_curve(
                [truth == label for truth, _ in pairs], [row[label] for _, row in pairs]
            )
        )
        is not None
    ]
    return {**figures, "auc": math.fsum(areas) / len(areas)} if areas else figures
