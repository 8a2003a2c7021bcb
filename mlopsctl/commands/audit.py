"""The audit log: list its entries, and check that none was changed or removed."""

from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from mlopsctl import screens
from mlopsctl.reach.client import Api, read_pages
from mlopsctl.reach.connection import print_json
from mlopsctl.reach.options import Caller, reads

audit = typer.Typer(help="List decisions, orders and refusals, and verify the audit log.")
MOST_FAULTS = 20

Anchors = Annotated[
    list[str] | None,
    typer.Option("--anchor", help="A head that an earlier check printed, NUMBER:HASH; repeatable."),
]


@audit.callback(invoke_without_command=True)
@reads
def list_entries(
    caller: Caller,
    context: typer.Context,
    model: Annotated[str, typer.Option(help="Only entries about this model.")] = "",
    who: Annotated[str, typer.Option("--person", help="Only entries of this caller.")] = "",
    since: Annotated[
        str, typer.Option(help="Only entries since a time, 2026-01-31T00:00:00Z.")
    ] = "",
    limit: Annotated[int, typer.Option(min=1, help="Number of newest entries to list.")] = 500,
    everything: Annotated[bool, typer.Option("--all", help="List every entry.")] = False,
) -> None:
    """List the newest entries: decisions, orders, refusals, uses of keys, promotions."""
    if context.invoked_subcommand is not None:
        return None
    given = {"model": model, "person": who, "since": since}
    query = {name: text for name, text in given.items() if text}
    person, most = caller.person, None if everything else limit
    content = read_pages(
        lambda link: caller.api.get_as(person, link, {}), "/api/audit", "entries", most, query
    )
    if caller.as_json:
        return print_json(content)
    screens.console().print(entries_table(content["entries"]))
    return print("There are more: --limit N or --all lists them.") if content["next"] else None


@audit.command("verify")
@reads
def verify(caller: Caller, anchors: Anchors = None) -> None:
    """Check every entry's hash and order, print the head, and exit with 1 at a fault.

    Store the printed head in another system: with --anchor a later check also finds entries that
    were removed at the end, and a log that was rewritten as a whole.
    """
    content = check(caller.api, caller.person, anchors or [])
    if caller.as_json:
        print_json(content)
    else:
        for fault in content["faults"]:
            print(f"BAD  entry {fault['number']}: {fault['problem']}")
        head = content["head"]
        print(f"{head['number']} entries, head {head['number']}:{head['hash']}")
    if content["faults"]:
        raise typer.Exit(1)


def check(api: Api, person: str, anchors: list[str]) -> dict[str, Any]:
    """Return the head and the first faults of the whole log, which the app checks in blocks."""
    after, head = 0, {"number": 1}
    faults: list[dict[str, Any]] = []
    while after < head["number"] and len(faults) < MOST_FAULTS:
        query = {"after": str(after), "anchor": ",".join(anchors)}
        content = api.get_as(person, "/api/audit/check", query)
        head, faults = content["head"], faults + content["faults"]
        if content["checked"] <= after:
            break
        after = content["checked"]
    return {"head": head, "checked": after, "faults": faults[:MOST_FAULTS]}


def entries_table(entries: list[dict[str, Any]]) -> Table:
    """Return a table of entries."""
    names = ("no.", "when", "what", "who", "from", "about", "times", "why")
    table = Table(*names, title="Audit log", title_justify="left")
    for entry in entries:
        about = entry.get("subject") or entry.get("model")
        why = " ".join(str(entry.get(n) or "") for n in ("code", "why", "reason", "refers_to"))
        table.add_row(
            str(entry.get("number")),
            screens.moment(entry.get("at")),
            escape(f"{entry.get('kind')}: {entry.get('action')}"),
            escape(str(entry.get("who") or "nobody")),
            escape(str(entry.get("address") or "")),
            escape(str(about or "")),
            str(entry.get("count")),
            screens.short(why, 120),
        )
    return table
