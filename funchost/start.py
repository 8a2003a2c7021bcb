"""`funchost start`: runs the host until a signal, as `func start` does."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import signal
import sys
import traceback

from funchost.app.indexing import IndexingError
from funchost.app.settings import SettingsError
from funchost.host import Host, HostFailedError, Options
from funchost.logs import FORMAT, GroupingHandler
from funchost.storage.store import StoreError

QUIET = ("azure", "httpx", "mlflow", "alembic")


def start(options: Options, *, verbose: bool) -> int:
    """Run the host; return the exit code."""
    os.umask(0o077)  # files of the host and its app are readable by this user only
    level = "DEBUG" if verbose else os.environ.get("FUNCHOST_LOG_LEVEL", "INFO")
    handler = GroupingHandler()
    logging.basicConfig(level=level, format=FORMAT, handlers=[handler])
    for name in (*QUIET, "asyncio"):
        logging.getLogger(name).setLevel(logging.WARNING)
    try:
        asyncio.run(serve(options))
    except (StoreError, SettingsError, OSError) as error:
        print(f"funchost cannot start: {error}", file=sys.stderr)
        return 1
    except IndexingError as error:
        print(f"Worker failed to index functions.\nfunchost cannot start: {error}", file=sys.stderr)
        return 1
    except HostFailedError as error:
        traceback.print_exc()
        print(f"funchost stopped: {error}", file=sys.stderr)
        return 1
    except Exception as error:
        # The real worker prints these lines when the app cannot be imported. An error class of the
        # app itself is a refusal that was written for people, so it needs no traceback.
        if verbose or not _is_of_app(error):
            traceback.print_exc()
        print(
            "Worker failed to index functions.\n"
            f"Result: Failure\nException: {type(error).__name__}: {error}\n"
            "No job functions found.",
            file=sys.stderr,
        )
        return 1
    # Threads of hung activities must not keep a stopped host alive; their rows are kept.
    handler.flush()
    sys.stdout.flush()
    os._exit(0)


def command(options: Options, *, verbose: bool) -> list[str]:
    """Return the command of a start with these options, which watches nothing."""
    arguments = ["start", "--app", str(options.app), "--state", str(options.state)]
    arguments += ["--port", str(options.port)]
    arguments += ["--auth"] if options.auth else []
    arguments += ["--verbose"] if verbose else []
    return [sys.executable, "-m", "funchost", *arguments]


def _is_of_app(error: Exception) -> bool:
    return type(error).__module__.partition(".")[0] == "function_app"


async def serve(options: Options) -> None:
    """Run the host until SIGTERM or SIGINT."""
    host, stop = Host(options), asyncio.Event()
    loop = asyncio.get_running_loop()
    # Objects of the imports live as long as the host, so the garbage collector may skip them.
    gc.disable()
    await host.start()
    gc.freeze()
    gc.enable()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    announce(host)
    failed, stopped = asyncio.create_task(host.failed()), asyncio.create_task(stop.wait())
    done, _ = await asyncio.wait([failed, stopped], return_when=asyncio.FIRST_COMPLETED)
    failed.cancel()
    await host.stop()
    if failed in done:
        # The host ends when one of its loops died, so that it never looks healthy without it.
        with contextlib.suppress(asyncio.CancelledError):
            await failed


def announce(host: Host) -> None:
    """List the functions by what triggers them, with their URLs, as `func start` does."""
    print("\nFunctions:\n")
    for function in sorted(host.functions.values(), key=lambda f: (f.kind, f.name)):
        if function.name in host.routes:
            path, methods = host.routes[function.name]
            print(f"  {function.name}: [{','.join(sorted(methods)) or 'ANY'}] {host.url}/{path}")
        elif function.kind == "eventGridTrigger":
            webhook = f"{host.url}/runtime/webhooks/EventGrid?functionName={function.name}"
            print(f"  {function.name}: {function.kind} {webhook}")
        else:
            reason = host.refused.get(function.name)
            print(f"  {function.name}: {function.kind}{f', in error: {reason}' if reason else ''}")
    for function in sorted(host.disabled, key=lambda f: f.name):
        print(f"  {function.name}: {function.kind} Disabled")
    print(f"\nlistening on {host.url}", flush=True)
