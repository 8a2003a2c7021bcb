"""mlopsctl: watch, train, approve, cancel, send events, run the app on this machine.

Exit codes: 0 done, 1 the app said no or something failed, 2 wrong usage.
"""

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Annotated

import typer

from mlopsctl import screens
from mlopsctl.client import Api, ApiError
from mlopsctl.connection import PORT, ROOT, STATE, Json, State, print_json
from mlopsctl.decisions import approve, cancel, reject, roll_back
from mlopsctl.demo import run_demo
from mlopsctl.drift import drift
from mlopsctl.events import events
from mlopsctl.imports import SeedError, imports
from mlopsctl.local_host import HostError, LocalHost, choose_port, ensure_platform
from mlopsctl.models import endpoint, models
from mlopsctl.provision import provision
from mlopsctl.show import show
from mlopsctl.status import doctor, releases, status
from mlopsctl.stories import logs, reconcile, retry, train
from mlopsctl.version import show_version

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False)
app.add_typer(events, name="events")
app.add_typer(imports, name="import")
app.command("provision")(provision)
for command in (
    *(status, releases, models, endpoint, show, logs),
    *(train, retry, cancel, approve, reject, roll_back),
    *(reconcile, drift, doctor),
):
    # typer makes roll-back of roll_back.
    app.command()(command)

Version = Annotated[
    bool, typer.Option("--version", callback=show_version, is_eager=True, help="Show the version.")
]


@app.callback()
def options(version: Version = False) -> None:
    """Watch, train, approve, cancel, send events, run the app on this machine."""


def main() -> int:
    """Run a command; what the app refuses is printed with its code."""
    try:
        # Without standalone mode, the code of a typer.Exit is what the call returns.
        code = app(standalone_mode=False)
    except (ApiError, HostError, SeedError) as error:
        print(f"mlopsctl: {error}", file=sys.stderr)
        return 1
    except (KeyboardInterrupt, typer.Abort):
        return 130
    except Exception as error:
        # Usage errors of typer's parser, which has its own exceptions and texts.
        show = getattr(error, "show", None)
        if show is None:
            raise
        show()
        return 2
    return code if isinstance(code, int) else 0


@app.command()
def up(state: State = STATE, port: int = PORT, as_json: Json = False) -> None:
    """Start the app on this machine and keep it until Ctrl-C."""
    # The platform Azure may be used from here, too: with a developer's credentials.
    platform = os.environ.get("MLOPS_PLATFORM", "local")
    host = LocalHost(ROOT, state.resolve(), choose_port(port), platform)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        host.start()
        report = ensure_platform(Api(host.url, state.resolve()))
        _announce_up(host.url, state.resolve(), report["output"]["parts"], as_json)
        while not stop.wait(0.5):
            if host.process is not None and host.process.poll() is not None:
                raise HostError(f"The host ended by itself. See {state / 'host.log'}.")
    finally:
        host.stop()


def _announce_up(url: str, state: Path, parts: list[dict[str, str]], as_json: bool) -> None:
    inbox, log = state / "inbox/data/diabetes", state / "host.log"
    if as_json:
        content = {"url": url, "inbox": str(inbox), "log": str(log), "parts": parts}
        return print(json.dumps(content), flush=True)
    out = screens.console()
    for part in parts:
        out.print(f"  {part['part']:<18}{part['detail']}")
    out.print(f"App         {url}/api/status")
    out.print(f"Inbox       {inbox} (drop a CSV here)")
    out.print(f"Host's log  {log}")
    return out.print("Ctrl-C stops everything; what was under way goes on at the next start.")


@app.command()
def demo(state: State = STATE, as_json: Json = False) -> None:
    """Run the whole loop once: data, training, approval, production, prediction."""
    out = screens.console()
    begun = time.monotonic()

    def say(line: str) -> None:
        if not as_json:
            out.print(line)

    def tell(step: str, seconds: float, detail: str) -> None:
        say(screens.step_line(step, seconds, detail))

    host = LocalHost(ROOT, state.resolve(), choose_port(PORT))
    try:
        host.start()
        api = Api(host.url, state.resolve())
        ensure_platform(api)
        say(f"The app listens on {host.url} ({time.monotonic() - begun:.1f} s)\n")
        result = run_demo(api, ROOT, state.resolve(), say, tell)
    finally:
        host.stop()
    result["seconds"] = round(time.monotonic() - begun, 1)
    if as_json:
        print_json(result)
        return
    say("\n[bold green]The loop is closed.[/bold green]")
    for name in ("version", "image", "approved_by", "production"):
        say(f"   {name.replace('_', ' '):<12} {result[name]}")
    say(f"   all stopped after {result['seconds']} s. `make up` starts it again to stay.")


if __name__ == "__main__":
    sys.exit(main())
