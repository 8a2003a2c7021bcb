"""Removes folders that sandboxed code wrote."""

import contextlib
import shutil
import subprocess
from pathlib import Path


def remove_tree(folder: Path) -> None:
    """Remove a folder, however deeply it is nested; a file that cannot be removed stays.

    `shutil.rmtree` of Python 3.11 recurses, so that a thousand levels end it by RecursionError. It
    is used where the machine has no `rm`, such as in an image with Python alone.
    """
    words = ["rm", "-rf", "--", str(folder)]
    try:
        subprocess.run(words, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    except FileNotFoundError:
        with contextlib.suppress(RecursionError):
            shutil.rmtree(folder, ignore_errors=True)
