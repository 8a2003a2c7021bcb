"""Reads JSON with comments and with a comma at the end, as the Functions host reads its files.

Source: azure-functions-host reads host.json with Newtonsoft.Json, and Core Tools read
local.settings.json with it.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

_COMMENT = re.compile(r'"(?:\\.|[^"\\])*"|//[^\n]*|/\*.*?\*/', re.DOTALL)
_COMMA = re.compile(r'"(?:\\.|[^"\\])*"|,(?=\s*[}\]])', re.DOTALL)


def loads(text: str) -> object:
    """Return the value of a JSON text; ValueError with the line and column in the text."""
    return json.loads(_COMMA.sub(_blank, _COMMENT.sub(_blank, text)))


def is_strict(file: Path) -> bool:
    """Return whether a file is JSON without comments, or absent."""
    try:
        json.loads(file.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        return True
    except ValueError:
        return False
    return True


def _blank(match: re.Match[str]) -> str:
    """Return a text as it is, and blanks for anything else, so that positions stay right."""
    token = match[0]
    return token if token.startswith('"') else re.sub(r"[^\n]", " ", token)
