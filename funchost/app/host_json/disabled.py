"""The functions of an app that the host does not run, because a setting says so.

Source: azure-webjobs-sdk reads AzureWebJobs.NAME.Disabled, and on Linux AzureWebJobs_NAME_Disabled.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, TypeVar


class Function(Protocol):
    """A function of the app."""

    @property
    def name(self) -> str:
        """Return the name."""

    @property
    def trigger(self) -> Mapping[str, object]:
        """Return the settings of the trigger."""

    @property
    def retry(self) -> object:
        """Return the retry policy, None without one."""


# Event Grid has a text of its own.
_RETRIED = ("timerTrigger", "eventGridTrigger")
F = TypeVar("F", bound=Function)


def is_disabled(name: str, environ: Mapping[str, str]) -> bool:
    """Return whether a setting disables a function; the case of its name does not matter."""
    names = {f"azurewebjobs.{name}.disabled".lower(), f"azurewebjobs_{name}_disabled".lower()}
    values = [text for key, text in environ.items() if key.lower() in names]
    return any(text.strip().lower() in ("true", "1") for text in values)


def split(
    functions: Mapping[str, F], only: tuple[str, ...] | None, environ: Mapping[str, str]
) -> tuple[dict[str, F], list[F]]:
    """Return the functions that run, and those that are disabled.

    `only` is the list `functions` of host.json: a function that it leaves out is in neither.
    """
    listed = None if only is None else {name.lower() for name in only}
    loaded = {k: f for k, f in functions.items() if listed is None or k in listed}
    disabled = [f for f in loaded.values() if is_disabled(f.name, environ)]
    return {k: f for k, f in loaded.items() if f not in disabled}, disabled


def warnings(functions: Mapping[str, F]) -> list[str]:
    """Return a text for each setting of a decorator that has no effect."""
    texts = [
        f"function {function.name}: the host ignores disabled=... of a decorator; set "
        f"AzureWebJobs.{function.name}.Disabled to true"
        for function in functions.values()
        if function.trigger.get("disabled") not in (None, False)
    ]
    texts += [
        f"function {function.name}: its retry policy has no effect, because the host retries "
        "timers and not this trigger"
        for function in functions.values()
        if function.retry is not None and function.trigger["type"] not in _RETRIED
    ]
    return texts
