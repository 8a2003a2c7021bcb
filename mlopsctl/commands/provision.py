"""Commands for the platform that the first event needs: show, create and remove its parts."""

from typing import Annotated

import typer
from rich.table import Table

from mlopsctl import screens
from mlopsctl.reach.client import ApiError, segment
from mlopsctl.reach.connection import STATE, Json, State, Url, connect, print_json
from mlopsctl.reach.local_host import ensure_platform
from mlopsctl.reach.options import person_of

Plan = Annotated[bool, typer.Option("--plan", help="Show the changes and make none.")]
Remove = Annotated[str, typer.Option("--remove", help="Remove this part.")]
Sure = Annotated[str, typer.Option("--sure", help="The part's name again, to confirm its removal.")]
Person = Annotated[str, typer.Option("--as", help="The operator who removes a part.")]
SECONDS = 7200.0


def provision(
    plan: Plan = False,
    remove: Remove = "",
    sure: Sure = "",
    person: Person = "",
    url: Url = "",
    state: State = STATE,
    as_json: Json = False,
) -> None:
    """Make the missing parts of the platform; existing parts do not change."""
    api = connect(url, state)
    if remove:
        if sure != remove:
            text = f"The removal of {remove!r} cannot be undone. Add `--sure {remove!r}`."
            raise ApiError("NOT_SURE", text)
        path = f"/api/platform/{segment(remove)}?sure={segment(remove)}"
        removed = api.delete_as(person_of(api, person), path)
        return print_json(removed) if as_json else print(removed["removed"])
    if plan:
        content = api.get("/api/platform")
        if as_json:
            return print_json(content)
        table = Table("part", "state", "effect of creating it")
        for part in content["parts"]:
            table.add_row(part["part"], part["state"], screens.short(part["detail"], 100))
        return screens.console().print(table)
    report = ensure_platform(api, SECONDS)["output"]
    if as_json:
        return print_json(report)
    for part in report["parts"]:
        print(f"{part['part']:<22}{part['detail']}")
    return None
