"""Runs a Python module in this process as `python -m` does in a new one."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # typing's own needs a slow import
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import NoReturn

_OWN = "sandbox"  # this app's package, which the fork has imported


def is_shadowed(folder: str) -> bool:
    """Return whether a module in `folder` has the name of a module that this fork has imported.

    A new process would import the module in the folder instead of the inherited module.
    """
    imported = {name.partition(".")[0] for name in sys.modules} - {"__main__", _OWN}
    return any(entry.partition(".")[0] in imported for entry in os.listdir(folder))


def run_module(words: Sequence[str], folder: str, environ: Mapping[str, str]) -> NoReturn:
    """Run a module with its arguments in a fork, and end the process with its exit code.

    The fork has inherited imported libraries; `folder` comes first on the path.
    """
    import runpy
    import tempfile
    import traceback

    from sandbox.inside import kernel

    # Process 1 must not be traced; a new process may read its own /proc.
    kernel.control(kernel.DUMPABLE, 1)
    # The project may have a package of this name.
    for name in [name for name in sys.modules if name.partition(".")[0] == _OWN]:
        del sys.modules[name]
    os.environ.update(environ)
    # `ps -o comm` and `top` show the module and its command.
    kernel.show_name(" ".join((words[0].rpartition(".")[2], *words[1:2])))
    tempfile.tempdir = None  # the environment has another one
    _seed()
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(write_through=True)  # type: ignore[union-attr]
    sys.argv = ["-m", *words[1:]]
    sys.path.insert(0, folder)
    sys.modules["__main__"] = type(sys)("__main__")
    code = 0
    try:
        # `python -m` calls this function.
        runpy._run_module_as_main(words[0])  # type: ignore[attr-defined]
    except SystemExit as ended:
        code = _code(ended.code)
    except BaseException:
        traceback.print_exc()
        code = 1
    _finish(folder)
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


def _finish(folder: str) -> None:
    """Do what Python does at its end: wait for threads, run exit functions, close files."""
    import atexit
    import gc
    import threading
    from contextlib import suppress

    # It also ends the idle threads of executors, for which a join would wait for ever.
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    # A file that a module left open is closed, and so written, when its last reference is gone.
    inside = os.path.join(folder, "")
    for name, module in list(sys.modules.items()):
        if name == "__main__" or str(getattr(module, "__file__", "")).startswith(inside):
            vars(module).clear()
    gc.collect()
    for stream in (sys.stdout, sys.stderr):
        # The module may have closed a stream, or replaced it by any object.
        with suppress(Exception):
            stream.flush()
