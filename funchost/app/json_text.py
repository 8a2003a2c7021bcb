"""Reads and changes JSON text as the real host does.

Nesting has a limit, NaN and Infinity become strings, and the reason of a termination goes through a
lenient reader when it is shown as the output: the first value counts, and the text after it is
dropped. A text that begins with no value is shown without blanks around.
"""

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


# A value ends where the text ends or one of these follows.
_END = r"(?=[\s,}\])/]|$)"
_WORD = re.compile(rf"(null|undefined|true|false|NaN|-?Infinity){_END}")
_NUMBER = re.compile(rf"-?[0-9.][0-9a-fA-FxX.+-]*{_END}")
_QUOTED = re.compile(r"'([^'\\]*)'")
_WORDS = {"undefined": "null", "NaN": '"NaN"', "Infinity": '"Infinity"', "-Infinity": '"-Infinity"'}


def output_of(reason: str | None) -> str | None:
    """Return the output, as JSON text, of an instance that was terminated for this reason.

    None when no reason was given.
    """
    if reason is None:
        return None
    text = reason.strip()
    if quoted := _QUOTED.match(text):
        return json.dumps(quoted[1])
    if word := _WORD.match(text):
        return _WORDS.get(word[1], word[1])
    if number := _NUMBER.match(text):
        value = _number(number[0])
        return without_nan(json.dumps(text if value is None else value))
    if text.startswith(('"', "[", "{")):
        try:
            value, _ = json.JSONDecoder(parse_constant=lambda name: name).raw_decode(text)
            return without_nan(json.dumps(value))
        except (ValueError, RecursionError):
            pass
    return json.dumps(text)


def _number(text: str) -> int | float | None:
    """Return a number, None when the text is none; 0x begins a hexadecimal, 0 an octal number."""
    try:
        if text[:2] in ("0x", "0X"):
            return int(text, 16)
        if len(text) > 1 and text[0] == "0" and text.isdigit():
            return int(text, 8)
        return int(text) if text.removeprefix("-").isdigit() else float(text)
    except ValueError:
        return None
