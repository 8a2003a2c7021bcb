"""Types of command line arguments; each raises ArgumentTypeError with the rule that is broken."""

import math
import shlex
from argparse import ArgumentTypeError

from platform_jobs.judging.metrics import NAMES
from platform_jobs.own_metric.function import is_function


def seconds(text: str) -> float:
    """Return a finite number of seconds above 0."""
    number = _number(text)
    # Written so that NaN is refused, here and below.
    if not 0.0 < number < math.inf:
        raise ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return number


def level(text: str) -> float:
    """Return the probability of an error, above 0 and at most 0.5."""
    number = _number(text)
    if not 0.0 < number <= 0.5:
        raise ArgumentTypeError(f"{text!r} is not above 0 and at most 0.5")
    return number


def share(text: str) -> float:
    """Return a share of at least 0."""
    number = _number(text)
    if not 0.0 <= number < math.inf:
        raise ArgumentTypeError(f"{text!r} is not a number of at least 0")
    return number


def part(text: str) -> float:
    """Return a share between -1 and 1, both left out."""
    number = _number(text)
    if not -1.0 < number < 1.0:
        raise ArgumentTypeError(f"{text!r} is not above -1 and below 1")
    return number


def count(text: str) -> int:
    """Return a whole number of at least 1."""
    return _whole(text, 1)


def number_or_zero(text: str) -> int:
    """Return a whole number of at least 0."""
    return _whole(text, 0)


def key(text: str) -> str:
    """Return the hex digits of a key, "" for no key."""
    try:
        bytes.fromhex(text)
    except ValueError:
        raise ArgumentTypeError("the key is not an even number of hex digits") from None
    return text


def metric(text: str) -> str:
    """Return the name of a metric, or the import path of a function of the model's code."""
    if text not in NAMES and not is_function(text):
        names = ", ".join(NAMES)
        raise ArgumentTypeError(f"{text!r} is none of {names}, and no package.module:function")
    return text


def own_function(text: str) -> str:
    """Return the import path of a function of the model's code."""
    if not is_function(text):
        raise ArgumentTypeError(f"{text!r} is no package.module:function")
    return text


def command_words(text: str) -> tuple[str, ...]:
    """Return the words of a command as a shell parts them, at least one."""
    try:
        words = tuple(shlex.split(text))
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is no command: {error}") from None
    if not words or not words[0]:
        raise ArgumentTypeError(f"{text!r} has no program, such as sh")
    return words


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _whole(text: str, least: int) -> int:
    if not (text.isascii() and text.isdigit() and int(text) >= least):
        raise ArgumentTypeError(f"{text!r} is not a whole number of at least {least}")
    return int(text)
