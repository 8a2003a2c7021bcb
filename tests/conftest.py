"""What every test may ask for."""

import functools

import httpx

pytest_plugins = ["funchost.testing"]

# The default of httpx is 5 s, which a request may take on a machine with ten busy processes.
REQUEST_SECONDS = 120.0
for name in ("get", "post", "put", "delete", "options", "request"):
    setattr(httpx, name, functools.partial(getattr(httpx, name), timeout=REQUEST_SECONDS))
