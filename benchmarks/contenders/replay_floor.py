"""Floor: the SDK's own full replay at every turn, as the real host does it; nothing is stored."""

import importlib
import json
import os
import time
from pathlib import Path
from typing import Any

from benchmarks.measure import run

MOMENT = "2026-01-01T00:00:00.000000Z"


class ReplayFloor:
    """Calls the orchestrator function with a history that grows."""

    skips: tuple[str, ...] = ("chain 1000",)  # quadratic: minutes

    def __init__(self) -> None:
        os.chdir(Path(__file__).parents[1] / "app")
        from funchost.app.indexing import load_functions

        importlib.invalidate_caches()
        self._functions = load_functions(Path.cwd())

    def _turn(self, name: str, history: list[dict[str, Any]], count: int) -> None:
        from funchost.durable.history import context_document

        document = context_document(history, json.dumps({"n": count}), "i", None)
        self._functions[name].call(json.dumps(document))

    def _begun(self, name: str) -> list[dict[str, Any]]:
        return [
            _event(12),
            _event(0, Name=name, Input=None, Version=""),
        ]

    def chain(self, length: int) -> None:
        history = self._begun("chain")
        self._turn("chain", history, length)
        for task in range(length):
            history += [_event(4, task, Name="one_more"), _event(13), _event(12)]
            history += [_event(5, TaskScheduledId=task, Result=str(task + 1))]
            self._turn("chain", history, length)

    def fan(self, width: int) -> None:
        history = self._begun("fan")
        self._turn("fan", history, width)
        history += [_event(4, task, Name="one_more") for task in range(width)]
        history += [_event(13), _event(12)]
        history += [_event(5, TaskScheduledId=task, Result="1") for task in range(width)]
        self._turn("fan", history, width)

    def signal(self) -> float:
        begun = time.perf_counter()
        history = [*self._begun("waiting"), _event(13), _event(12)]
        self._turn("waiting", [*history, _event(15, Name="go", Input='"x"')], 0)
        return time.perf_counter() - begun

    def many(self, total: int, concurrent: int) -> None:
        for _ in range(total):
            self.chain(1)

    def close(self) -> None:
        pass


def _event(kind: int, event_id: int = -1, **keys: Any) -> dict[str, Any]:
    base = {"EventType": kind, "EventId": event_id, "IsPlayed": False, "Timestamp": MOMENT}
    return {**base, **keys}


if __name__ == "__main__":
    run(ReplayFloor())
