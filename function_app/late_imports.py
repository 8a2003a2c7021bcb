"""A lock for imports inside functions, which several threads may run at the same moment.

Large packages import each other in circles. When two threads enter such a circle at different
modules, Python hands out a half-initialised module instead of a deadlock, and the process keeps the
broken module until it ends. Imports at the top of a module need no lock: they run in one thread,
before the first function is called.
"""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

# Reentrant: an import may call a function that imports late, too.
_LOCK = threading.RLock()


@contextmanager
def importing(*unused: str) -> Iterator[None]:
    """Hold the lock while a third-party package is imported inside a function.

    The packages `unused` seem not installed meanwhile, because they are optional for the imported
    package and the app does not need them. A package that is imported already stays.
    """
    with _LOCK:
        hidden = [name for name in unused if name not in sys.modules]
        # An import of a name whose module is None raises ModuleNotFoundError.
        sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
        try:
            yield
        finally:
            for name in hidden:
                del sys.modules[name]
