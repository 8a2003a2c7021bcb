"""Measures, from outside, the cost of waiting and the recovery time of a killed host."""

from __future__ import annotations

import asyncio
import json
import signal
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

from benchmarks.host_process import HostProcess

WARM, WAITING, IN_FLIGHT, STEPS, WATCHED = 2000, 10_000, 1000, 5, 5.0


def waiting(folder: Path, count: int = WAITING) -> dict[str, float]:
    """Let instances wait for an event; return KB of memory each and CPU seconds per second.

    Memory is the growth by further instances of a host that already holds WARM of them, because a
    host that has worked keeps some MB, independent of the number of waiting instances.
    """
    host = HostProcess(folder / "waiting")
    try:
        warm = [f"warm-{n}" for n in range(WARM)]
        asyncio.run(host.begin_many("waiting", warm, 50, None))
        time.sleep(1)
        before = host.memory()
        ids = [f"one-{n}" for n in range(count)]
        asyncio.run(host.begin_many("waiting", ids, 50, None))
        time.sleep(1)
        used, cpu = host.memory() - before, host.cpu()
        time.sleep(WATCHED)
        return {"KB each": used / count, "CPU": (host.cpu() - cpu) / WATCHED}
    finally:
        host.stop()


def recovery(folder: Path, count: int = IN_FLIGHT) -> dict[str, float]:
    """Kill a host with instances in flight; return milliseconds to the next step, and repeats.

    The milliseconds from answering are negative when the step comes before the first answer.
    """
    host = HostProcess(folder / "recovery")
    ids = [f"one-{n}" for n in range(count)]
    asyncio.run(host.begin_many("traced", ids, 50, None))
    host.stop(signal.SIGKILL)
    done, lines = finished(host.state), _lines(host.trace)
    with ThreadPoolExecutor(1) as watching:
        # The next step may run before the host answers, which the start waits for.
        step = watching.submit(_next_step, host.trace, lines)
        host.start()
        moment = step.result()
    while _lines(host.trace) < count * STEPS or not _all_ended(host):
        time.sleep(0.02)
    host.stop()
    again = done & set(host.trace.read_text().splitlines()[lines:])
    return {
        "ms from start": (moment - host.started) * 1000,
        "ms from answering": (moment - host.answers) * 1000,
        "finished steps run again": len(again),
    }


def finished(state: Path) -> set[str]:
    """Return the steps that are done according to the store of a killed host."""
    with closing(sqlite3.connect(state / "store.db")) as db:
        events = [e for row in db.execute("SELECT events FROM turns") for e in json.loads(row[0])]
    return {json.loads(e["Result"]) for e in events if e["EventType"] == 5}


def _next_step(trace: Path, lines: int) -> float:
    """Wait until the trace has more lines; return this moment, in seconds of the clock."""
    while _lines(trace) == lines:
        time.sleep(0.001)
    return time.perf_counter()


def _lines(trace: Path) -> int:
    return trace.read_bytes().count(b"\n") if trace.exists() else 0


def _all_ended(host: HostProcess) -> bool:
    status, running = host.ask("GET", "instances", runtimeStatus="Running,Pending", top="1")
    return status == 200 and not running
