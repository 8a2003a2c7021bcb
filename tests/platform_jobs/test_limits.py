"""The limits of a job that reads a file; a child process is limited, because limits stay."""

import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from platform_jobs.limits import CPU_SECONDS, FILE_BYTES, MEMORY

ROOT = Path(__file__).parents[2]
CHILD = """
import json, resource
from platform_jobs.limits import limit_process, out_of_memory
limit_process(size={size})
limits = [resource.getrlimit(kind)[0] for kind in (resource.RLIMIT_DATA, resource.RLIMIT_CPU)]
print(json.dumps([*limits, str(out_of_memory())]))
"""


def lowered(kind: int, limit: int) -> int:
    """Return a limit, or the lower one that a child inherits from the process of the tests."""
    inherited = resource.getrlimit(kind)[0]
    return limit if inherited == resource.RLIM_INFINITY else min(limit, inherited)


@pytest.mark.parametrize(("size", "times"), [(0, 1), (FILE_BYTES, 1), (3 * FILE_BYTES, 3)])
def test_the_limits_grow_with_a_large_file(size: int, times: int) -> None:
    words = [sys.executable, "-c", CHILD.format(size=size)]

    ended = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)

    memory, seconds, said = json.loads(ended.stdout)
    assert memory == lowered(resource.RLIMIT_DATA, times * MEMORY)
    assert seconds == lowered(resource.RLIMIT_CPU, times * CPU_SECONDS)
    assert f"more than {lowered(resource.RLIMIT_AS, memory) >> 30} GiB of memory" in said


def test_the_refusal_names_the_lower_limit_of_the_process_that_started_the_job() -> None:
    lower = "import resource; resource.setrlimit(resource.RLIMIT_AS, (5 << 30, 5 << 30))"
    words = [sys.executable, "-c", lower + CHILD.format(size=3 * FILE_BYTES)]

    ended = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)

    memory, _, said = json.loads(ended.stdout)
    least = min(memory, lowered(resource.RLIMIT_AS, 5 << 30))
    assert f"more than {least >> 30} GiB of memory" in said
