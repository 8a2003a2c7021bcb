"""python -c SOURCE FUNCTION PAIRS OUT: calls a metric in the folder of its code.

The platform passes this text itself, because the sandbox shows the code of the metric and no file
of the platform. It imports nothing of the platform, and its output is checked by asking.py.
"""

import importlib
import json
import os
import sys
from collections.abc import Callable, Iterable
from typing import NoReturn, cast

Metric = Callable[[list[float], list[float]], Iterable[float]]
# Of the pairs, the share that is asked again, in the reverse order.
SHARE = 3


def main(function: str, pairs: str, out: str) -> None:
    """Write the values of all pairs, and those of a third of them in another order."""
    sys.path.insert(0, os.getcwd())
    with open(pairs, encoding="ascii") as file:
        given = [tuple(map(float, line.split(","))) for line in file]
    call = _load(function)
    content = {"values": _ask(function, call, given), "again": []}
    content["again"] = _ask(function, call, given[::-SHARE])
    with open(out, "w", encoding="ascii") as file:
        json.dump(content, file)


def _load(function: str) -> Metric:
    module, _, name = function.partition(":")
    try:
        defined = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name and f"{module}.".startswith(f"{error.name}."):
            _fail(f"There is no module {error.name} in the code. Add it, or correct `metric`.")
        raise
    call: object = getattr(defined, name, None)
    if not callable(call):
        fault = "no function" if call is None else "something that cannot be called as"
        _fail(f"{module} has {fault} {name}. Define it, or correct `metric` in mlops.toml.")
    return cast(Metric, call)


def _ask(function: str, call: Metric, pairs: list[tuple[float, ...]]) -> list[float]:
    if not pairs:
        return []
    values = call([pair[0] for pair in pairs], [pair[1] for pair in pairs])
    try:
        return [float(value) for value in values]
    except (TypeError, ValueError) as error:
        kind = type(values).__name__
        _fail(f"{function} returned {kind} that is no list of one number for each row: {error}.")


def _fail(text: str) -> NoReturn:
    sys.exit(text)


if __name__ == "__main__":
    main(*sys.argv[1:])
