"""A deferred package behaves as one that was imported, and runs its __init__ only when needed."""

import subprocess
import sys

import pytest

from tests.patience import PATIENCE

BEGIN = (
    "import sys; from funchost.app.light_imports import defer, postpone_annotations; "
    "defer('werkzeug'); defer('aiohttp'); "
)
SESSIONS = "azure.durable_functions.models.utils.http_utils"
THREADS = """
from threading import Barrier, Thread
import aiohttp
barrier, seen = Barrier(8), []
def use():
    barrier.wait()
    seen.append(aiohttp.ClientSession.__name__)
threads = [Thread(target=use) for _ in range(8)]
[t.start() for t in threads], [t.join() for t in threads]
print(seen.count('ClientSession'))
"""
SESSION = f"""
import asyncio, typing
postpone_annotations('{SESSIONS}')
import {SESSIONS} as sessions
before = 'aiohttp.client' in sys.modules
async def use():
    session = await sessions._get_session()
    await session.close()
    return session
import aiohttp
session = asyncio.run(use())
print(before, type(session) is aiohttp.ClientSession,
      typing.get_type_hints(sessions._get_session)['return'] is aiohttp.ClientSession)
"""


def printed_by(code: str) -> str:
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("code", "printed"),
    [
        ("import azure.functions; print('werkzeug.serving' in sys.modules)", "False"),
        ("import werkzeug; from werkzeug import http; print(http.__name__)", "werkzeug.http"),
        ("import werkzeug.http; print(werkzeug.Request.__name__)", "Request"),
        ("from werkzeug import Response, http; print(Response.__name__)", "Response"),
        ("import werkzeug; print(werkzeug.serving.__name__)", "werkzeug.serving"),
        ("import werkzeug; print(hasattr(werkzeug, 'nothing'))", "False"),
        ("import werkzeug; werkzeug.Client; print(type(werkzeug).__name__)", "module"),
        ("defer('no_such_package'); print('no_such_package' in sys.modules)", "False"),
        ("from aiohttp import web; print('aiohttp.client' in sys.modules)", "False"),
        ("import aiohttp.web; print(aiohttp.connector.__name__)", "aiohttp.connector"),
        ("import aiohttp.web; print(len(aiohttp.__all__) > 100)", "True"),
        ("import aiohttp; from aiohttp import *; print(TCPConnector.__name__)", "TCPConnector"),
        ("import funchost.host; print('aiohttp.web' in sys.modules)", "False"),
        (THREADS, "8"),
        (SESSION, "False True True"),
    ],
)
def test_a_deferred_package_is_used_as_any_other(code: str, printed: str) -> None:
    assert printed_by(BEGIN + code) == printed


def test_a_deferred_package_has_its_own_version() -> None:
    code = "import aiohttp.http; print(aiohttp.http.SERVER_SOFTWARE, aiohttp.__version__)"

    assert printed_by(BEGIN + code) == printed_by(code)


def test_a_package_that_was_imported_stays_as_it_is() -> None:
    code = "import werkzeug; from funchost.app.light_imports import defer; defer('werkzeug'); "

    assert printed_by(code + "print(type(werkzeug).__name__)") == "module"
