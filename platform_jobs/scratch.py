"""Temporary folders into which the code of a model writes."""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def scratch_folder(inside: Path | None = None) -> Iterator[Path]:
    """Yield a new folder, in `inside` or where temporary files go, and remove it at the end.

    `tempfile.TemporaryDirectory` of Python 3.11 removes by recursion, so that a model that nests a
    thousand folders would end its own evaluation by RecursionError. A file that cannot be removed
    stays. A job in Azure ML has this package only, so that it cannot use the one of the sandbox.
    """
    folder = tempfile.mkdtemp(prefix=".asked-", dir=inside)
    try:
        yield Path(folder)
    finally:
        words = ["rm", "-rf", "--", folder]
        subprocess.run(words, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
