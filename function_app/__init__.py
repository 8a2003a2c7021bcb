"""The function app. The worker imports this package and looks for `app`, which is made on demand.

Importing a module of the package thus imports no Azure package (PEP 562). What the worker finds
is what `dir` lists, so `app` is listed, and it is made once.
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
