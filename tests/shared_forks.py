"""A fork server for the runs of all tests of one pytest process, which imports libraries once."""

import atexit
import functools
import os

from function_app.adapters.local.jobs.jobs import LIBRARIES
from function_app.adapters.local.jobs.run_environment import run_environ
from function_app.adapters.local.reach.processes import MEMORY_KIB
from sandbox.forkserver import SharedForkServer
from tests.conftest import SHARED


@functools.cache
def shared_forks() -> SharedForkServer:
    """Return the server, which starts with the first run and ends with this process."""
    path = SHARED / f"forks-{os.getpid()}.sock"
    server = SharedForkServer(path, LIBRARIES, run_environ(), MEMORY_KIB)
    atexit.register(server.close)
    return server
