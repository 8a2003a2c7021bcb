"""What every test may ask for."""

import atexit
import functools
import os
import shutil
import tempfile

import httpx

pytest_plugins = ["funchost.testing"]

# Never the configuration folder of the person who runs the tests; each state has a folder in it.
CONFIG = tempfile.mkdtemp(prefix="mlops-config-")
atexit.register(shutil.rmtree, CONFIG, ignore_errors=True)
os.environ["MLOPS_CONFIG"] = CONFIG

# The default of httpx is 5 s, which a request may take on a machine with ten busy processes.
REQUEST_SECONDS = 120.0
for name in ("get", "post", "put", "delete", "options", "request"):
    setattr(httpx, name, functools.partial(getattr(httpx, name), timeout=REQUEST_SECONDS))
