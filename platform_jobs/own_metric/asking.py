"""Calls a metric of a model's code where this code may do no harm, and checks its answer."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from pkgutil import get_data

from platform_jobs.errors import ContractError
from platform_jobs.models.models import Project, read_written
from platform_jobs.own_metric.program import SHARE
from platform_jobs.scratch import scratch_folder

Pair = tuple[float, float]  # a true value and a prediction
# Greater values would leave the range of floats when they are added up or squared.
MOST = 1e150
_TOLERANCE = 1e-9
# Bytes of the answer: for its other parts, and for each of its numbers.
_BYTES, _NUMBER_BYTES = 1 << 16, 64


def ask_metric(
    project: Project, function: str, pairs: Sequence[Pair], parent: Path | None = None
) -> list[float]:
    """Return the value of `function` of the project's code for each pair, shape (pairs,).

    The call sees the code and the pairs alone; temporary folders are made below `parent`.
    ContractError when it fails, takes too long, or gives anything but one finite number for each
    pair that depends on this pair alone. KilledError when a signal ended it.
    """
    name = name_of(function)
    with scratch_folder(parent) as folder:
        data, answer = folder / "asked" / "pairs.csv", folder / "said" / "values.json"
        data.parent.mkdir()
        answer.parent.mkdir()
        lines = (f"{float(truth)!r},{float(given)!r}\n" for truth, given in pairs)
        data.write_text("".join(lines), encoding="ascii")
        source = get_data(__package__, "program.py")
        assert source is not None
        words = [sys.executable, "-c", source.decode(), function, str(data), str(answer)]
        project.call(words, name, sees=(data.parent,), writes=answer.parent)
        most = _BYTES + 2 * _NUMBER_BYTES * len(pairs)
        content = read_written(answer, most)
    if content is None:
        raise ContractError(
            f"{name} ended before it returned, so that there is no value. It must return, and "
            "leave the end of the process to the platform."
        )
    return _check(name, pairs, content)


def name_of(function: str) -> str:
    """Return the name of a metric in texts."""
    return f"The metric {function}"


def _check(name: str, pairs: Sequence[Pair], content: bytes) -> list[float]:
    """Return the values of the answer, whose file the metric's code may have written itself."""
    try:
        answer = json.loads(content)
        values, again = answer["values"], answer["again"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise ContractError(
            f"{name} wrote into the file of its values. Return them only."
        ) from None
    indices = range(len(pairs))[::-SHARE]
    for given, asked in ((values, len(pairs)), (again, len(indices))):
        if not isinstance(given, list) or len(given) != asked:
            count = len(given) if isinstance(given, list) else 0
            raise ContractError(
                f"{name} returned {count} values for {asked} rows. It must return one for each row."
            )
    for (truth, prediction), value in zip(pairs, values, strict=True):
        if not _is_finite(value):
            raise ContractError(
                f"{name} gave {str(value)[:40]} for the true value {truth:g} and the prediction "
                f"{prediction:g}. Each value must be a finite number from -{MOST:g} to {MOST:g}."
            )
    for index, second in zip(indices, again, strict=True):
        first, (truth, prediction) = values[index], pairs[index]
        if not (_is_finite(second) and abs(first - second) <= _TOLERANCE * max(1.0, abs(first))):
            raise ContractError(
                f"{name} gave {first:g} for the true value {truth:g} and the prediction "
                f"{prediction:g}, and {str(second)[:40]} for the same beside other rows. Each "
                "value may depend on its own row alone, and neither on chance nor on earlier calls."
            )
    return [float(value) for value in values]


def _is_finite(value: object) -> bool:
    # NaN is not below anything; an integer may be too large for a float.
    return type(value) in (int, float) and abs(value) <= MOST  # type: ignore[arg-type]
