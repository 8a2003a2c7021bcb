"""The processes of this machine, read from /proc."""

import os
from collections.abc import Iterator
from pathlib import Path


def read_each(file: str) -> Iterator[tuple[int, bytes]]:
    """Yield the id and the content of a file of each process, such as `cmdline`.

    A process that ends during the scan, or that may not be read, is left out. `Path.glob` raises
    ProcessLookupError for a process that ends between the listing and its check.
    """
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                content = Path("/proc", name, file).read_bytes()
            except OSError:
                continue
            yield int(name), content
