"""The differences between a recorded answer and ours, each with its path."""

import json
from collections.abc import Iterator
from typing import Any

from tests.conformance.kept import Hidden

ABSENT = "(absent)"


def differences(real: Any, ours: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yield the path of each difference, such as `end.output[0]`, and the two values."""
    if isinstance(real, dict) and isinstance(ours, dict):
        for key in dict.fromkeys([*real, *ours]):
            below = f"{path}.{key}" if path else key
            yield from differences(real.get(key, ABSENT), ours.get(key, ABSENT), below)
    elif isinstance(real, list) and isinstance(ours, list) and len(real) == len(ours):
        for number, (left, right) in enumerate(zip(real, ours, strict=True)):
            yield from differences(left, right, f"{path}[{number}]")
    elif _text(real) != _text(ours):
        yield path, real, ours


def counted(scenario: str, real: Any, ours: Any, hidden: list[Hidden]) -> list[str]:
    """Return a line for each difference of a scenario that is not hidden."""
    return [
        f"{path}: the extension answered {_text(left)}, funchost {_text(right)}"
        for path, left, right in differences(real, ours)
        if not any(one.hides(scenario, path) for one in hidden)
    ]


def _text(value: Any) -> str:
    # As JSON, 1, 1.0 and true differ.
    return json.dumps(value, sort_keys=True, ensure_ascii=False)
