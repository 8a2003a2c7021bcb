"""python -m benchmarks.gates.large ROWS: time and memory of one comparison, as JSON."""

import json
import random
import re
import sys
import time
from pathlib import Path

from platform_jobs.judging.comparison import compare


def measure(count: int) -> dict[str, float]:
    """Return the seconds of CPU of one comparison, and the MB that the process grew by for it."""
    draw = random.Random(0)
    actual, challenger, champion = ([draw.gauss(0, 1) for _ in range(count)] for _ in range(3))
    before = _memory("VmRSS")
    begun = time.process_time()
    content = compare(actual, challenger, champion, level=5e-5, look=1)
    seconds = time.process_time() - begun
    grown = (_memory("VmHWM") - before) / 1024
    if content["refused"]:
        raise RuntimeError(content["refused"])
    return {"seconds": seconds, "megabytes": grown}


def _memory(name: str) -> int:
    """Return a figure of this process in KiB: VmRSS is the memory now, VmHWM the most so far.

    The maximum of getrusage would be the parent's, because Linux keeps it when a program starts.
    """
    status = Path("/proc/self/status").read_text(encoding="ascii")
    figure = re.search(rf"^{name}:\s+(\d+) kB$", status, re.MULTILINE)
    if figure is None:
        raise RuntimeError(f"/proc/self/status has no {name}. Run this on Linux.")
    return int(figure[1])


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]))))
