"""mlopsctl: watch, approve, send events, run the app on this machine.

Exit codes: 0 done, 1 the app said no or something failed, 2 wrong usage.
"""

import sys
import time
from typing import Annotated

import typer
from rich.live import Live

from mlopsctl import screens
from mlopsctl.client import Api, ApiError
from mlopsctl.connection import ROOT, STATE, Json, State, Url, connect, print_json
from mlopsctl.doctor import examine
from mlopsctl.drift import drift
from mlopsctl.events import events
from mlopsctl.imports import SeedError, imports
from mlopsctl.local_host import HostError
from mlopsctl.provision import provision
from mlopsctl.state_folder import StateError
from mlopsctl.up import demo, down, up

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False)
app.add_typer(events, name="events")
app.add_typer(imports, name="import")
app.command("provision")(provision)
app.command()(drift)
app.command()(up)
app.command()(down)
app.command()(demo)

Person = Annotated[str, typer.Option("--as", help="Whose token to send.")]


def main() -> int:
    """Run a command; what the app refuses is printed with its code."""
    try:
        # Without standalone mode, the code of a typer.Exit is what the call returns.
        code = app(standalone_mode=False)
    except (ApiError, HostError, SeedError, StateError, OSError) as error:
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
