"""The sample model: Ridge regression on the diabetes data, plain scikit-learn."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

# `sklearn.utils.fixes` imports pandas, and `sklearn.utils._testing` imports pytest, when they are
# installed. Both together take a quarter of the CPU that a start needs.
UNUSED = ("pandas", "pytest")


@contextmanager
def without_unused() -> Iterator[None]:
    """Let the unused packages seem not installed while scikit-learn is imported by the main thread.

    A package that is imported already stays. Later imports find each package as usual.
    """
    hidden = [name for name in UNUSED if name not in sys.modules]
    # An import of a name whose module is None raises ModuleNotFoundError.
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]
