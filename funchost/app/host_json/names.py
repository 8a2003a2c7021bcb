"""Replaces `%NAME%` by the value of a setting, as the Functions host does in its own settings."""

from __future__ import annotations

import re
from collections.abc import Mapping

_SETTING = re.compile(r"%([^%]*)%")


def with_settings(text: str, environ: Mapping[str, str], subject: str) -> str:
    """Return the text with the values of the settings that it names, without regard to case.

    ValueError when a setting is missing, or a % is alone; its text begins with `subject`.
    """
    settings = {name.lower().replace("__", ":"): value for name, value in environ.items()}

    def value(match: re.Match[str]) -> str:
        setting = settings.get(match[1].lower().replace("__", ":"))
        if not setting:
            raise ValueError(f"{subject} is {text}, but no setting is called {match[1]}")
        return setting

    resolved = _SETTING.sub(value, text)
    if "%" in _SETTING.sub("", text):
        raise ValueError(f"{subject} is {text}: a % has no second one behind the setting's name")
    return resolved
