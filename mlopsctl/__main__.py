"""mlopsctl: watch, train, approve, cancel, send events, run the app on this machine.

Exit codes: 0 done, 1 the app refused or a command failed, 2 wrong usage.
"""

import io
import sys
from typing import Annotated

import typer

from configuration.project_file import ProjectFileError
from mlopsctl.commands.audit import audit
from mlopsctl.commands.config import config
from mlopsctl.commands.decisions import approve, cancel, reject, roll_back, shutdown, withdraw
from mlopsctl.commands.drift import drift
from mlopsctl.commands.events import events
from mlopsctl.commands.keys import keys
from mlopsctl.commands.models import endpoint, models
from mlopsctl.commands.provision import provision
from mlopsctl.commands.show import show
from mlopsctl.commands.status import doctor, releases, status
from mlopsctl.commands.stories import logs, reconcile, retry, train
from mlopsctl.commands.tokens import tokens
from mlopsctl.imports import SeedError, imports
from mlopsctl.reach.client import ApiError
from mlopsctl.reach.local_host import HostError
from mlopsctl.reach.state_folder import StateError
from mlopsctl.scaffold.commands import ScaffoldError, contract, init
from mlopsctl.up import demo, down, up
from mlopsctl.version import show_version
from mlopsctl.versions.evidence import evidence
from mlopsctl.versions.explain import explain
from mlopsctl.versions.reproduce import reproduce

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False)
app.add_typer(events, name="events")
app.add_typer(audit, name="audit")
app.add_typer(config, name="config")
app.add_typer(keys, name="keys")
app.add_typer(tokens, name="token")
app.add_typer(imports, name="import")
app.command("provision")(provision)
for command in (
    *(up, down, demo),
    *(status, releases, models, endpoint, show, logs),
    *(explain, reproduce, evidence),
    *(train, retry, cancel, approve, reject, withdraw, roll_back, shutdown),
    *(reconcile, drift, doctor),
    *(init, contract),
):
    # typer makes roll-back of roll_back.
    app.command()(command)

REFUSALS = (ApiError, HostError, SeedError, ScaffoldError, StateError, ProjectFileError)
Version = Annotated[
    bool, typer.Option("--version", callback=show_version, is_eager=True, help="Show the version.")
]


@app.callback()
def options(version: Version = False) -> None:
    """Watch, train, approve, cancel, send events, run the app on this machine."""


def main() -> int:
    """Run a command; print a refusal of the app with its code."""
    for stream in (sys.stdout, sys.stderr):
        # A comment, a file's name or a log may have characters that the terminal cannot show.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        # Without standalone mode, the call returns the code of a typer.Exit.
        code = app(standalone_mode=False)
    except (*REFUSALS, OSError) as error:
        print(f"mlopsctl: {error}", file=sys.stderr)
        return 1
    except (KeyboardInterrupt, typer.Abort):
        return 130
    except Exception as error:
        # Usage errors of typer's parser, which has its own exceptions and texts.
        explain = getattr(error, "show", None)
        if explain is None:
            raise
        explain()
        return 2
    return code if isinstance(code, int) else 0


if __name__ == "__main__":
    sys.exit(main())
