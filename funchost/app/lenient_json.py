"""Reads the reason of a termination as the real extension does when it shows it as the output.

The extension hands the text to a lenient JSON reader and shows the first value that it finds; the
text after this value is dropped. A text that begins with no value is shown without blanks around.
"""

from __future__ import annotations

import json
import re

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
        return json.dumps(text) if value is None else json.dumps(value)
    if text.startswith(('"', "[", "{")):
        try:
            value, _ = json.JSONDecoder(parse_constant=lambda name: name).raw_decode(text)
            return json.dumps(value)
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
