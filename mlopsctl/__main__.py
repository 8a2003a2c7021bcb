"""mlopsctl: watch, approve, send events, run the app on this machine.

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
from rich.live import Live

from configuration.project_file import ProjectFileError
from mlopsctl import screens
from mlopsctl.client import Api, ApiError
from mlopsctl.config import check_before_start, config
from mlopsctl.connection import PORT, ROOT, STATE, Json, State, Url, connect, print_json
from mlopsctl.demo import run_demo
from mlopsctl.doctor import examine
from mlopsctl.drift import drift
from mlopsctl.events import events
from mlopsctl.imports import SeedError, imports
from mlopsctl.local_host import HostError, LocalHost, choose_port, ensure_platform
from mlopsctl.provision import provision

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False)
app.add_typer(events, name="events")
app.add_typer(config, name="config")
app.add_typer(imports, name="import")
app.command("provision")(provision)
app.command()(drift)

Person = Annotated[str, typer.Option("--as", help="Whose token to send.")]


def main() -> int:
    """Run a command; what the app refuses is printed with its code."""
    try:
        # Without standalone mode, the code of a typer.Exit is what the call returns.
        code = app(standalone_mode=False)
    except (ApiError, HostError, SeedError, ProjectFileError) as error:
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
    check_before_start()
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
    check_before_start()
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


@app.command()
def status(
    watch: Annotated[bool, typer.Option("--watch", help="Refresh until Ctrl-C.")] = False,
    url: Url = "",
    state: State = STATE,
    as_json: Json = False,
) -> None:
    """Show every story, its step, and what nothing took."""
    api, out = connect(url, state), screens.console()
    if as_json:
        return print_json(api.get("/api/status"))
    if not watch:
        for table in screens.status_tables(api.get("/api/status")):
            out.print(table)
        return None
    with Live(console=out, refresh_per_second=4) as live:
        while True:
            live.update(screens.status_tables(api.get("/api/status"))[0])
            time.sleep(0.5)


@app.command()
def releases(url: Url = "", state: State = STATE, as_json: Json = False) -> None:
    """List the releases, newest first."""
    content = connect(url, state).get("/api/releases")
    if as_json:
        return print_json(content)
    return screens.console().print(screens.releases_table(content["releases"]))


def _decide(verb: str, release_id: str, comment: str, person: str, api: Api, raw: bool) -> None:
    content = api.decide(release_id, verb, person, comment)
    if raw:
        return print_json(content)
    decision = content["decision"]
    return print(f"{decision['decided_by']}: {decision['verdict']} {release_id}")


@app.command()
def approve(
    release_id: str,
    comment: str = "",
    person: Person = "ada",
    url: Url = "",
    state: State = STATE,
    as_json: Json = False,
) -> None:
    """Approve the image and evidence that the release shows."""
    _decide("approve", release_id, comment, person, connect(url, state), as_json)


@app.command()
def reject(
    release_id: str,
    comment: str = "",
    person: Person = "ada",
    url: Url = "",
    state: State = STATE,
    as_json: Json = False,
) -> None:
    """Reject a release."""
    _decide("reject", release_id, comment, person, connect(url, state), as_json)


@app.command("roll-back")
def roll_back(
    model: str, person: Person = "ada", url: Url = "", state: State = STATE, as_json: Json = False
) -> None:
    """Give production back to the release before the present one."""
    content = connect(url, state).roll_back(model, person)
    if as_json:
        return print_json(content)
    return print(f"{content['instance_id']} rolls {model} back to version {content['to_version']}")


@app.command()
def doctor(url: Url = "", state: State = STATE, as_json: Json = False) -> None:
    """Look at this machine and the app; say what is wrong and what to do."""
    findings = examine(connect(url, state), ROOT, state)
    if as_json:
        print_json(findings)
    else:
        for finding in findings:
            print(f"{'ok  ' if finding['ok'] else 'BAD '} {finding['what']}: {finding['detail']}")
    if not all(finding["ok"] for finding in findings):
        raise typer.Exit(1)


if __name__ == "__main__":
    sys.exit(main())
