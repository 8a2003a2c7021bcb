"""What the checks of a change wrote, as it was written."""

import asyncio
import re

from function_app.errors import NotFoundError
from function_app.triggers.desk import Answer, Desk, Request

_RUN = re.compile(r"[A-Za-z0-9_-]{1,128}")


async def get_report(desk: Desk, request: Request) -> Answer:
    """Show a report of a run.

    It was written by code that nobody vouches for: it is neither a page nor a script to a browser.
    """
    run_id, name = request.route["run_id"], request.route["name"]
    if not _RUN.fullmatch(run_id):
        raise NotFoundError(f"There is no run {run_id[:80]!r}.")
    content = await asyncio.to_thread(desk.ports.jobs.report, run_id, name)
    return Answer(
        status=200,
        content=content,
        media_type="text/xml" if name.endswith(".xml") else "text/plain",
        headers={
            "Content-Security-Policy": "sandbox; default-src 'none'",
            "Cache-Control": "private, max-age=3600",
        },
    )
