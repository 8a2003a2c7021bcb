"""Runs a Python module in this process as `python -m` does in a new one."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # typing's own needs a slow import
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import NoReturn


def run_module(words: Sequence[str], folder: str, environ: Mapping[str, str]) -> NoReturn:
    """Run a module with its arguments in a fork, and end the process with its exit code.

    The fork has inherited imported libraries; `folder` comes first on the path.
    """
    import runpy
    import tempfile
    import traceback

    os.environ.update(environ)
    tempfile.tempdir = None  # the environment has another one
    _seed()
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(write_through=True)  # type: ignore[union-attr]
    sys.argv = ["-m", *words[1:]]
    sys.path.insert(0, folder)
    code = 0
    try:
        runpy.run_module(words[0], run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        code = _code(ended.code)
    except BaseException:
        traceback.print_exc()
        code = 1
    _finish()
    os._exit(code)


def _seed() -> None:
    """Give the generators of this fork seeds of its own, as a new process has."""
    import random

    random.seed()
    if "numpy.random" in sys.modules:
        sys.modules["numpy.random"].seed()


def _code(given: object) -> int:
    """Return the exit code of `sys.exit`; a text is an error that is written."""
    if given is None:
        return 0
    if isinstance(given, int):
        return given & 0xFF
    os.write(2, f"{given}\n".encode())
    return 1


def _finish() -> None:
    """Do what Python does at its end: wait for threads, run exit functions, write buffers."""
    import atexit
    import threading

    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join()
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
