"""Clean-up that keeps the first error: an error of the clean-up is added to it, not raised."""

from typing import Any

from function_app.orchestrators.shared.trail import first_line
from function_app.steps.context import Story


def reasons_of(fault: Exception) -> tuple[str, ...]:
    """Return the reasons of a failure: the fault, then the errors of the clean-up after it."""
    return (first_line(fault), *getattr(fault, "__notes__", ()))


def tolerate(trouble: str, step: Story[Any]) -> Story[tuple[str, ...]]:
    """Run a step of a clean-up; return `trouble` with the reason when it fails, else ()."""
    try:
        yield from step
    except Exception as fault:
        return (f"{trouble} {first_line(fault)}",)
    return ()


def clean_up(fault: Exception, trouble: str, step: Story[Any]) -> Story[None]:
    """Run a step of the clean-up after a fault; add it to the fault when the step fails, too."""
    for reason in (yield from tolerate(trouble, step)):
        fault.add_note(reason)
