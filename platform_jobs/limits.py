"""Limits of a job that reads a file which anybody may have sent.

The process limits itself, so that the limits hold on every platform and for every parent process.
"""

import resource
import signal
from contextlib import suppress
from types import FrameType
from typing import NoReturn

from platform_jobs.errors import ContractError

# A file of this size needs about 3 GB as text cells. The limits grow with a larger file, whose size
# `max_file_mib` in mlops.toml allows.
FILE_BYTES = 200 << 20
MEMORY = 4 << 30
# Of a job that keeps a few columns as numbers: 200 MB of text are at most 800 MB of doubles.
READER_MEMORY = 2 << 30
CPU_SECONDS = 600
MAX_COLUMNS = 10_000
# The limits of this process.
_memory, _cpu_seconds = MEMORY, CPU_SECONDS


def limit_process(memory: int = MEMORY, cpu_seconds: int = CPU_SECONDS, *, size: int = 0) -> None:
    """Limit this process to so many bytes of memory and seconds of CPU time.

    `size` is that of the file in bytes: both limits grow in proportion beyond FILE_BYTES. Beyond
    the memory Python raises MemoryError; beyond the CPU time ContractError is raised. A lower limit
    that is in force already stays.
    """
    global _memory, _cpu_seconds
    most = max(size, FILE_BYTES)
    _memory = memory = memory * most // FILE_BYTES
    _cpu_seconds = cpu_seconds = cpu_seconds * most // FILE_BYTES
    signal.signal(signal.SIGXCPU, _out_of_time)
    _lower(resource.RLIMIT_DATA, memory, memory)
    # The kernel kills the process at the hard limit, unless it ended before.
    _lower(resource.RLIMIT_CPU, cpu_seconds, cpu_seconds + 30)


def out_of_memory() -> ContractError:
    """Return the refusal of a file that does not fit into the memory.

    It names the lowest limit in force, which may be that of the process that started this one.
    """
    limits = (resource.getrlimit(kind)[0] for kind in (resource.RLIMIT_DATA, resource.RLIMIT_AS))
    least = min([_memory, *(limit for limit in limits if limit != resource.RLIM_INFINITY)])
    return ContractError(
        f"The file takes more than {least >> 30} GiB of memory to read. Split it, or leave out "
        "columns that the model does not need."
    )


def _lower(kind: int, soft: int, hard: int) -> None:
    old_soft, old_hard = resource.getrlimit(kind)
    unlimited = resource.RLIM_INFINITY
    hard = hard if old_hard == unlimited else min(hard, old_hard)
    soft = soft if old_soft == unlimited else min(soft, old_soft)
    # macOS refuses some limits.
    with suppress(ValueError, OSError):
        resource.setrlimit(kind, (min(soft, hard), hard))


def _out_of_time(number: int, frame: FrameType | None) -> NoReturn:
    raise ContractError(
        f"The file takes more than {_cpu_seconds} seconds of CPU time to read. Split it."
    )
