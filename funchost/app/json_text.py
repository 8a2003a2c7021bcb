"""Changes JSON text as the real host does: a limit of depth, NaN and Infinity as strings."""

from __future__ import annotations

import json
import re

# The extension reads JSON with Newtonsoft's default limit of nested objects and lists.
MOST_DEPTH = 64
_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*"|[\[{\]}]', re.DOTALL)


class TooDeepError(ValueError):
    """Says in the words of the real host that JSON is nested too deeply."""

    def __init__(self) -> None:
        """Name the limit."""
        super().__init__(f"The reader's MaxDepth of {MOST_DEPTH} has been exceeded.")


def check_depth(text: str) -> None:
    """Raise TooDeepError when objects and lists are nested more than MOST_DEPTH deep."""
    if text.count("{") + text.count("[") <= MOST_DEPTH:
        return
    depth = 0
    for token in _BRACKETS.finditer(text):
        if token[0] in "[{":
            depth += 1
            if depth > MOST_DEPTH:
                raise TooDeepError
        elif token[0] in "]}":
            depth -= 1


def without_nan(text: str) -> str:
    """Return JSON text in which NaN and Infinity became strings, as the real host writes them."""
    if "NaN" not in text and "Infinity" not in text:
        return text
    return json.dumps(json.loads(text, parse_constant=lambda name: name))


def encoded(value: object) -> str:
    """Return the JSON text of a value of the app as the real host stores it.

    TypeError when the value is not JSON, TooDeepError when it is nested too deeply.
    """
    text = json.dumps(value)
    check_depth(text)
    return without_nan(text)
