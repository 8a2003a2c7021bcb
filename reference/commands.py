"""docs/reference/cli.md: every command of mlopsctl, by typer's own generator of pages."""

import typer
from typer.cli import get_docs_for_click

from mlopsctl.__main__ import app
from mlopsctl.reach.connection import ROOT

_NOTE = (
    "This page is written by `python -m reference` from the commands themselves. "
    "[Operating the app](../how-to/operate.md) describes when to use which.\n"
)


def describe() -> str:
    """Return the whole page."""
    command = typer.main.get_command(app)
    context = typer.Context(command, info_name="mlopsctl")
    text = get_docs_for_click(obj=command, ctx=context, name="mlopsctl")
    # Defaults are absolute paths of the machine that writes the page.
    head, _, rest = text.replace(f"{ROOT}/", "").partition("\n\n")
    return f"{head}\n\n{_NOTE}\n{rest}"
