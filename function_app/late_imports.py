"""A lock for imports inside functions, which several threads may run at the same moment.

Large packages import each other in circles. When two threads enter such a circle at different
modules, Python hands out a half-initialised module instead of a deadlock, and the process keeps the
broken module until it ends. Imports at the top of a module need no lock: they run in one thread,
before the first function is called.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

# Reentrant: an import may call a function that imports late, too.
_LOCK = threading.RLock()


@contextmanager
def importing() -> Iterator[None]:
    """Hold the lock while a third-party package is imported inside a function."""
    with _LOCK:
        yield
