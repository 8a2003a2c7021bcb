"""The function app.

The worker imports this package and reads `app`, which is created on first access. Importing a
module of the package thus imports no Azure package (PEP 562). The worker finds names by `dir`, so
that `app` is listed, and it is created once.
"""

from typing import Any


def __getattr__(name: str) -> Any:
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from function_app.composition import create_app
    from function_app.settings.settings import current_settings

    globals()["app"] = create_app(current_settings())
    return globals()["app"]


def __dir__() -> list[str]:
    return sorted({*globals(), "app"})
