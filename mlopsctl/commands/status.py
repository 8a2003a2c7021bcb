"""Overviews: status, releases, doctor."""

import time
from typing import Annotated, Any

import typer
from rich.live import Live

from mlopsctl import screens
from mlopsctl.doctor import examine
from mlopsctl.reach.client import ApiError, read_pages
from mlopsctl.reach.connection import ROOT, STATE, Json, State, Url, connect, print_json
from mlopsctl.reach.host_warnings import line as warning_line
from mlopsctl.reach.host_warnings import read_warnings

Watch = Annotated[bool, typer.Option("--watch", help="Refresh until Ctrl-C.")]


def status(
    watch: Watch = False, url: Url = "", state: State = STATE, as_json: Json = False
) -> None:
    """Show every story with its outcome, the lanes, dead letters, and the reasons in full."""
    api, out = connect(url, state), screens.console()
    if as_json:
        warnings = read_warnings(api.url, state)
        return print_json({**api.get("/api/status"), "warnings": warnings})
    if not watch:
        content = api.get("/api/status")
        for table in screens.status_tables(content):
            out.print(table)
        out.print(f"Isolation  {content['isolation']}", soft_wrap=True, markup=False)
        for line in screens.reason_lines(content["stories"]):
            out.print(line, soft_wrap=True)
        for warning in read_warnings(api.url, state):
            text = f"Warning    {warning_line(warning)}. {warning['remedy']}."
            out.print(text, soft_wrap=True, markup=False)
        return None
    with Live(console=out, refresh_per_second=4) as live:
        while True:
            live.update(screens.status_tables(api.get("/api/status"))[0])
            time.sleep(0.5)


Limit = Annotated[int, typer.Option(min=1, help="Number of newest releases to list.")]
Everything = Annotated[bool, typer.Option("--all", help="List every release.")]


def releases(
    limit: Limit = 100,
    everything: Everything = False,
    url: Url = "",
    state: State = STATE,
    as_json: Json = False,
) -> None:
    """List the releases, newest first, with their reasons in full."""
    api = connect(url, state)
    content = read_pages(api.get, "/api/releases", "releases", None if everything else limit)
    if as_json:
        print_json(content)
    else:
        out = screens.console()
        out.print(screens.releases_table(content["releases"]))
        for line in screens.release_lines(content["releases"]):
            out.print(line, soft_wrap=True)
        if content["next"]:
            out.print("More exist: --limit N or --all lists them.")
    for release in content["releases"]:
        api.seen.keep(release)


def doctor(url: Url = "", state: State = STATE, as_json: Json = False) -> None:
    """Check this machine and the app; exit 1 when a failure needs attention."""
    try:
        findings = examine(connect(url, state), ROOT, state)
    except ApiError as error:
        findings = examine(None, ROOT, state, error.message)
    if as_json:
        print_json(findings)
    else:
        for finding in findings:
            print(_line(finding))
    if not all(finding["ok"] for finding in findings):
        raise typer.Exit(1)


def _line(finding: dict[str, Any]) -> str:
    word = "ok  " if finding["ok"] else "BAD "
    then = f"\n     {finding['next']}" if finding.get("next") else ""
    return f"{word} {finding['what']}: {finding['detail']}{then}"
