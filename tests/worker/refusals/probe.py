"""Shows how Microsoft's worker reads an app: `python probe.py APP FUNCTION KIND CONTENT`.

Runs in the worker's environment and prints one JSON object: `functions`, the names in order, or
`refused`, the worker's words; `says` is the message of a call, when one is named.
"""

import asyncio
import json
import os
import sys
from pathlib import Path

WORKER = Path(__file__).resolve().parents[1]


async def probe(app: str, call: list[str]) -> dict[str, object]:
    """Return the worker's answers on an app."""
    sys.path.insert(0, str(WORKER))
    from worker import Worker  # type: ignore[import-not-found]

    sys.path[0] = app
    worker = Worker(None, Path(app))
    try:
        functions = await worker.index()
    except RuntimeError as error:
        return {"refused": str(error)}
    answer: dict[str, object] = {"functions": [name for name, _, _ in functions]}
    if call:
        argument, kind, text = call
        content: object = text
        if kind == "http":
            content = {
                "method": "POST", "url": "http://host/api/f", "headers": {}, "query": {},
                "params": {}, "body": b"{",
            }  # fmt: skip
        _, id_, _ = functions[0]
        _, answer["says"] = await worker.invoke(id_, "1", {argument: (kind, content)}, "")
    return answer


if __name__ == "__main__":
    os.chdir(sys.argv[1])
    answer = asyncio.run(probe(sys.argv[1], sys.argv[2:]))
    sys.stdout.flush()
    print("\n" + json.dumps(answer), flush=True)
    os._exit(0)
