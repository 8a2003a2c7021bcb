"""The plan of checks, and the command lines that run it with this machine's Python."""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_MODULES = ("ruff", "pytest", "mypy", "flake8", "coverage", "unittest")
_MODULE_NAME = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_."


class PlanError(Exception):
    """The file holds no valid plan; the text names the fault."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Commands as words, in this order; the dry run walks the training through its contract.

    `target` is the column to predict, "" the last one; `group` the column of groups, "" for none.
    `command` runs the training in the folder of its name; () runs the module. `metric` are the
    options of a metric that is a function of the code, () for none.
    """

    lint: tuple[str, ...]
    tests: tuple[str, ...]
    training: str
    dry_run: bool
    timeout_seconds: float
    target: str = ""
    words: tuple[str, ...] = ()
    group: str = ""
    command: tuple[str, ...] = ()
    metric: tuple[str, ...] = ()


def read_plan(path: Path) -> Plan:
    """Return the plan of a JSON file, or raise PlanError."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise PlanError(f"{path} holds no JSON: {error}") from error
    if not isinstance(content, dict):
        raise PlanError(f"{path} holds no JSON object.")
    training = content.get("training", "training")
    seconds = content.get("timeout_seconds", 900)
    if not isinstance(training, str) or not training or set(training) - set(_MODULE_NAME):
        raise PlanError(f"training: {training!r} is not a name of a module.")
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not seconds > 0:
        raise PlanError(f"timeout_seconds: {seconds!r} is not a time.")
    return Plan(
        lint=_words(content, "lint"),
        tests=_words(content, "tests"),
        training=training,
        dry_run=content.get("dry_run") is True,
        timeout_seconds=float(seconds),
        target=str(content.get("target", "")),
        words=tuple(str(word) for word in content.get("words", ())),
        group=str(content.get("group", "")),
        command=_words(content, "command"),
        metric=_words(content, "metric"),
    )


def command(words: Sequence[str]) -> list[str]:
    """Return the words that run a command with this Python, wherever its programs are installed."""
    first, *rest = words
    if first in ("python", "python3"):
        return [sys.executable, *rest]
    if first in _MODULES:
        return [sys.executable, "-m", first, *rest]
    return list(words)


def is_pytest(words: Sequence[str]) -> bool:
    """Return whether the command runs pytest, which can write reports."""
    return command(words)[1:3] == ["-m", "pytest"]


def _words(content: dict[str, Any], name: str) -> tuple[str, ...]:
    words = content.get(name, [])
    if not isinstance(words, list) or not all(isinstance(w, str) and w for w in words):
        raise PlanError(f"{name}: expected a list of words.")
    return tuple(words)
