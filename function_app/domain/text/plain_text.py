"""Text from outside without the characters that control a terminal, a log or a page.

An escape sequence can rewrite the text on a terminal, a line feed forges a line of a log, and a
bidirectional override displays text in another order than it is stored (CVE-2021-42574).
"""

import re
from typing import Any

# CSI (colours, cursor), OSC and other strings (titles, links, the clipboard).
_ESCAPES = re.compile(
    "(?:\x1b\\[|\x9b)[0-?]*[ -/]*[@-~]"
    "|(?:\x1b[\\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c\r\n]{0,4096}(?:\x07|\x1b\\\\|\x9c)"
)
_BREAKS = re.compile("\r\n?|[\x85\u2028\u2029]")
# C0 without tab and line feed, DEL, C1, marks of direction, surrogates that no encoding takes.
_CONTROLS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u206f\ufff9-\ufffb"
    "\ud800-\udfff]"
)
_SUSPECT = re.compile(f"{_CONTROLS.pattern[:-1]}\u2028\u2029]")
SHOWN_INSTEAD = "\ufffd"
# A JSON value that is nested deeper is no event of anybody.
MAX_DEPTH = 100


def clean(text: str) -> str:
    """Return the text without control characters; tabs and line feeds stay.

    Escape sequences of terminals are removed. Every other control character becomes U+FFFD, so that
    a reader sees that something stood there. Idempotent.
    """
    if _SUSPECT.search(text) is None:
        return text
    text = _BREAKS.sub("\n", _ESCAPES.sub("", text))
    return _CONTROLS.sub(SHOWN_INSTEAD, text)


def one_line(text: str) -> str:
    """Return the text as `clean` does, with a blank for each line feed and tab."""
    return clean(text).replace("\n", " ").replace("\t", " ")


def is_deeper(value: Any, most: int) -> bool:
    """Return whether lists and objects of a JSON value are nested in more than `most` levels."""
    level = [value]
    for _ in range(most + 1):
        level = [
            item
            for each in level
            if isinstance(each, dict | list)
            for item in (each.values() if isinstance(each, dict) else each)
            if isinstance(item, dict | list)
        ]
        if not level:
            return False
    return True


def clean_json(value: Any, depth: int = 0) -> Any:
    """Return a JSON value with every text in it cleaned, also the keys of its objects.

    Values that are nested deeper than MAX_DEPTH become U+FFFD, because a recursion has an end.
    """
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict | list | tuple) and depth >= MAX_DEPTH:
        return SHOWN_INSTEAD
    if isinstance(value, dict):
        return {clean(str(key)): clean_json(entry, depth + 1) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [clean_json(entry, depth + 1) for entry in value]
    return value
