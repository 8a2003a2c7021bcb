"""Waking a release that waits for a person."""

from function_app import names
from function_app.ports import Stories


async def wake_release(stories: Stories, release_id: str) -> None:
    """End the release's present wait for a decision, so that it reads the ledger now.

    Its custom status names that wait. The next wait is ended too, because the release may begin it
    in this moment; nothing happens when the release has ended.
    """
    view = await stories.find(release_id)
    step = view.get("step") if view else None
    shown = str(step.get("wait", "0")) if isinstance(step, dict) else "0"
    number = int(shown) if shown.isdecimal() else 0
    for wait in (number, number + 1):
        await stories.wake(release_id, names.decision_event(release_id, wait))
