"""Limits of the status and result of a story, so that every backend of Durable takes them.

A custom status may have 16 KB of UTF-16 in Azure; a larger one fails the instance. Outputs and
activity results travel in messages of at most 1 MB (Durable Task Scheduler).
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

# Below 16 KB, because the extension counts the JSON text as it writes it, which may be longer.
STATUS_BYTES = 14 * 1024
FACT_CHARACTERS = 2000
REASONS_CHARACTERS = 64_000
FIRST_STEPS = 2


def shorten(text: str, most: int) -> str:
    """Return the text with its middle left out when it has more than `most` characters.

    The end is kept, because the cause of a failure often stands there.
    """
    if len(text) <= most:
        return text
    mark = f" [... {len(text) - most} characters left out ...] "
    length = max(most - len(mark), 2)
    return text[: length // 2] + mark + text[len(text) - (length - length // 2) :]


def cap_reasons(reasons: tuple[str, ...], most: int = REASONS_CHARACTERS) -> tuple[str, ...]:
    """Return as many reasons as fit into `most` characters, and the number of the others."""
    capped: list[str] = []
    left = most
    for reason in reasons:
        if len(reason) > left:
            break
        capped.append(reason)
        left -= len(reason)
    if len(capped) == len(reasons):
        return reasons
    if not capped:
        return (shorten(reasons[0], most), *_more(len(reasons) - 1))
    return (*capped, *_more(len(reasons) - len(capped)))


def fit_status(
    step: str, facts: Mapping[str, str], trail: Sequence[Mapping[str, object]]
) -> dict[str, Any]:
    """Return a custom status that every backend takes.

    Long facts are shortened. Of a long trail the first and the newest steps are kept; one step
    between them says how many were left out.
    """
    shown = {name: shorten(fact, FACT_CHARACTERS) for name, fact in facts.items()}
    content: dict[str, Any] = {"step": step, **shown, "trail": list(trail)}
    most = FACT_CHARACTERS
    while _size({**content, "trail": trail[-1:]}) > STATUS_BYTES // 2 and most > 10:
        most //= 2
        content |= {name: shorten(fact, most) for name, fact in facts.items()}
    first, newest = trail[:FIRST_STEPS], trail[FIRST_STEPS:]
    left_out = 0
    while _size(content) > STATUS_BYTES and len(newest) > 1:
        # A quarter at a time: with thousands of steps, one at a time would take long.
        count = max(len(newest) // 4, 1)
        at, newest, left_out = newest[0]["at"], newest[count:], left_out + count
        mark = {"step": f"{left_out} steps left out", "at": at}
        content["trail"] = [*first, mark, *newest]
    return content


def _size(content: dict[str, Any]) -> int:
    """Return the bytes of the JSON text in UTF-16."""
    return len(json.dumps(content, ensure_ascii=False).encode("utf-16-le", "surrogatepass"))


def _more(count: int) -> tuple[str, ...]:
    return (f"{count} more reasons are left out.",) if count else ()
