"""Clean-up that fails must not hide why it was needed.

The first error stays the reported one; a later one is added to it as a note.
"""

from typing import Any

from function_app.orchestrators.trail import first_line
from function_app.steps.context import Story


def reasons_of(fault: Exception) -> tuple[str, ...]:
    """Return why a story failed: the fault, then what failed in the clean-up after it."""
    return (first_line(fault), *getattr(fault, "__notes__", ()))


def tolerate(what: str, step: Story[Any]) -> Story[tuple[str, ...]]:
    """Run a step of a clean-up; return `what` with the reason when it failed, else nothing."""
    try:
        yield from step
    except Exception as fault:
        return (f"{what} {first_line(fault)}",)
    return ()


def clean_up(fault: Exception, what: str, step: Story[Any]) -> Story[None]:
    """Run a step of the clean-up after a fault; add it to the fault when the step fails, too."""
    for reason in (yield from tolerate(what, step)):
        fault.add_note(reason)
