"""What every test may ask for."""

import atexit
import functools
import os
import shutil
import tempfile

import httpx

# Apps that tests start keep the keys of their callers here, never in this person's own folder.
USER = tempfile.mkdtemp(prefix="user-")
atexit.register(shutil.rmtree, USER, ignore_errors=True)
os.environ["XDG_CONFIG_HOME"] = USER

pytest_plugins = ["funchost.testing"]

# The default of httpx is 5 s, which a request may take on a machine with ten busy processes.
REQUEST_SECONDS = 120.0
for name in ("get", "post", "put", "delete", "options", "request"):
    setattr(httpx, name, functools.partial(getattr(httpx, name), timeout=REQUEST_SECONDS))
