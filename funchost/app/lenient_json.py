"""Reads the reason of a termination as the real extension does when it shows it as the output.

The extension hands the text to a lenient JSON reader and shows the first value that it finds; the
text after this value is dropped. A text that begins with no value is shown as it is.
"""

from __future__ import annotations

import json
import re

# A value ends where the text ends or one of these follows.
_END = r"(?=[\s,}\])/]|$)"
_WORD = re.compile(rf"(null|undefined|true|false|NaN|-?Infinity){_END}")
_NUMBER = re.compile(rf"-?[0-9.][0-9a-fA-FxX.+-]*{_END}")
_WORDS = {"undefined": "null", "NaN": '"NaN"', "Infinity": '"Infinity"', "-Infinity": '"-Infinity"'}


def output_of(reason: str | None) -> str | None:
    """Return the output, as JSON text, of an instance that was terminated for this reason.

    None when no reason was given.
    """
    if reason is None:
        return None
    text = reason.lstrip()
    if word := _WORD.match(text):
        return _WORDS.get(word[1], word[1])
    if number := _NUMBER.match(text):
        value = _number(number[0])
        return json.dumps(reason) if value is None else json.dumps(value)
    try:
        value, _ = json.JSONDecoder(parse_constant=lambda name: name).raw_decode(text)
    except (ValueError, RecursionError):
        return json.dumps(reason)
    return json.dumps(value)


def _number(text: str) -> int | float | None:
    """Return a number, None when the text is none; 0x begins a hexadecimal, 0 an octal number."""
    digits = text.removeprefix("-")
    try:
        if digits[:2] in ("0x", "0X"):
            value: int | float = int(digits, 16)
        elif len(digits) > 1 and digits[0] == "0" and digits.isdigit():
            value = int(digits, 8)
        else:
            value = int(digits) if digits.isdigit() else float(digits)
    except ValueError:
        return None
    return -value if text != digits else value
