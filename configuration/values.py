"""Names, patterns and bounds that the values of mlops.toml must keep to."""

import re
from dataclasses import replace

from configuration.kinds import Listed, Number, Text, Whole

MODEL_NAME = re.compile(r"[a-z](?:[a-z0-9]|-(?=[a-z0-9])){0,29}")
MODEL_NAME_ALLOWED = (
    "1 to 30 lower-case letters, digits and single `-`, with a letter first and no `-` last"
)
# The default name of the column with the label.
TARGET = "Y"
DAY, YEAR = 86_400.0, 31_536_000.0
CONTAINER_NAME = re.compile(r"[a-z0-9](?:[a-z0-9]|-(?=[a-z0-9])){2,62}")
SCHEDULE_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_]|-(?=[A-Za-z0-9_])){0,39}")
# This allows user principal names and object ids of Entra.
_APPROVER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+'#!~^-]{0,112}")

_FUNCTION = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*:[A-Za-z_]\w*", re.ASCII)


def is_prefix(text: str) -> bool:
    """Return whether a text is a folder in a container, with `/` at its end."""
    steps = text.removesuffix("/").split("/")
    odd = any(step in ("", ".", "..") for step in steps)
    return text.endswith("/") and not odd and text.isprintable() and "\\" not in text


def is_module(text: str) -> bool:
    """Return whether a text is the dotted name of a module."""
    return all(word.isidentifier() for word in text.split("."))


def is_function(text: str) -> bool:
    """Return whether a text is the import path of a function: its module, `:` and its name."""
    return _FUNCTION.fullmatch(text) is not None and len(text) <= 200


def is_type(text: str) -> bool:
    """Return whether a text is the full name of a type: its module and its name."""
    return "." in text and is_module(text)


def is_folder(text: str) -> bool:
    """Return whether a text is a relative folder that stays in its parent."""
    return all(re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", step) for step in text.split("/"))


def _is_column(text: str) -> bool:
    return bool(text) and text == text.strip() and text.isprintable()


def _is_long_number(text: str) -> bool:
    """Return whether a text is a finite number in another form than its shortest one."""
    try:
        number = float(text)
        whole = int(number)
    except (ValueError, OverflowError):
        return False
    return text != (str(whole) if number == whole and abs(number) < 1e15 else repr(number))


def is_repository(text: str) -> bool:
    """Return whether a text is an address that code may be fetched from, without a password."""
    plain = bool(text) and not text.startswith("-") and all(ord(sign) > 32 for sign in text)
    # An SSH address may name a user; no address may hold a password.
    with_user = re.match(r"https?://[^/]*@|ssh://[^/@]*:[^/]*@", text)
    known = re.match(
        r"(?:https|ssh)://[^/]|file:///|/|http://(?:127\.0\.0\.1|localhost|\[::1\])", text
    )
    # One letter before the colon is a drive of Windows.
    scp = re.fullmatch(r"(?:[A-Za-z0-9_.-]+@)?[A-Za-z0-9_.-]{2,}:(?!//)[^\s].*", text)
    return plain and not with_user and bool(known or scp)


def is_program(text: str) -> bool:
    """Return whether a text is the name of a program that is found in PATH."""
    return re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*", text) is not None


def _word_fault(text: str) -> str:
    """Return why a text is no word of a model's command, "" when it is one."""
    if not text or not text.isprintable():
        return "it is empty, or has a sign that cannot be printed"
    if "${{" in text:
        return "Azure ML would replace `${{`"
    if any(part.startswith("/") for part in text.split("=")) or ".." in re.split(r"[/=]", text):
        return "the path leads out of the folder of the code, which alone every run has"
    return ""


def seconds(high: float) -> Number:
    """Return the kind of a duration that is over zero."""
    return Number(low=0, high=high, open_low=True, unit="seconds")


EVENT_TYPE = Text(
    allowed="the type of an event, such as Mlops.TrainingRequested",
    accepts=lambda text: re.fullmatch(r"(?:Mlops|Microsoft)(?:\.[A-Za-z]+)+", text) is not None,
)
WEBHOOK_SOURCE = re.compile(r"[a-z0-9](?:[a-z0-9]|-(?=[a-z0-9])){0,99}")
WEBHOOK_SOURCE_ALLOWED = "lower-case letters, digits and single `-`"
# Channels of the app itself, for which no source may pass.
RESERVED_SOURCES = ("api", "event-grid", "own", "schedule")
SHARE = Number(low=0, high=1, open_low=True)
PATTERN = Text(allowed="a pattern that is not empty", accepts=lambda text: bool(text.strip()))
WORD = Text(allowed="a word that is not empty", accepts=bool)
COMMAND_WORD = Text(
    allowed="a word of printable characters; a path is relative to the folder of the model's code",
    reason=_word_fault,
)
COLUMN = Text(allowed="a column's name without blanks around it", accepts=_is_column)
TARGET_COLUMN = replace(
    COLUMN,
    no_list="a model with several targets is not supported. Name one column, and make a model of "
    "its own for each other target (`mlopsctl init NAME`), with files that have its target and not "
    "the others.",
)
COLUMNS = Listed(item=COLUMN, noun="names of columns", once=True)
ROWS = Whole(low=1, high=1_000_000_000)
LABEL = Text(
    allowed="a label of 1 to 100 printable characters without blanks around it, a number in its "
    'shortest form: "1", not "1.0"',
    accepts=lambda text: _is_column(text) and len(text) <= 100 and not _is_long_number(text),
)
COLUMN_OR_NONE = Text(
    allowed=f'{COLUMN.allowed}, or ""',
    accepts=lambda text: not text or _is_column(text),
)
FUNCTION = Text(
    allowed='an own function of the model\'s code, such as "churn.metrics:cost"',
    accepts=is_function,
)
PERSON = Text(
    allowed="a name of up to 113 letters, digits and . _ @ + ' # ! ~ ^ -, with no / in it",
    accepts=lambda text: _APPROVER.fullmatch(text) is not None,
)
