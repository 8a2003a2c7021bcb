"""Drift of production: the last comparison, and a comparison now."""

from typing import Annotated, Any

import typer
from rich.table import Table

from mlopsctl import screens
from mlopsctl.reach.client import Api, ApiError, segment
from mlopsctl.reach.connection import STATE, Json, State, Url, connect, print_json
from mlopsctl.watch import follow

LONGEST_COMPARISON = 60.0
Now = Annotated[bool, typer.Option("--now", help="Compare production first.")]


def drift(
    model: str, now: Now = False, url: Url = "", state: State = STATE, as_json: Json = False
) -> None:
    """Show whether production has drifted from the model's training data, and the effect."""
    api = connect(url, state)
    if now:
        compare_now(api, model)
    content = api.get(f"/api/models/{segment(model)}/drift")
    if as_json:
        return print_json(content)
    out = screens.console()
    report = content["report"]
    if report is None:
        return out.print(f"There is no comparison for {model} yet. --now starts one.")
    for line in drift_lines(content):
        out.print(line)
    return out.print(drift_table(content)) if report["columns"] else None


def drift_lines(content: dict[str, Any]) -> list[str]:
    """Return the verdict, the evidence and the budget, a line each."""
    report, traffic, figures = content["report"], content["traffic"], content["figures"]
    reason = f": {report['reason']}" if report["reason"] else ""
    lines = [f"{report['verdict']}{reason}"]
    if report["since"]:
        lines.append(
            f"version {report['version']}, {report['rows']} rows and {report['labelled']} labels "
            f"since {report['since']}; {report['unmatched']} labels of other predictions"
        )
        callers = ", ".join(f"{name} ({rows})" for name, rows in traffic["callers"].items())
        if callers:
            lines.append(f"rows by caller: {callers}; {traffic['repeated']} repeated rows left out")
        values = ", ".join(f"{name} ({n})" for name, n in traffic["out_of_range"].items())
        if values:
            lines.append(f"values far out of the training data's range, left out: {values}")
        lines.append(
            f"e-value {figures['e_value']}; {figures['threshold']} is drift, which chance "
            f"reaches once in {1 / content['policy']['alpha']:.0f} champions at most"
        )
    lines.append(f"retrainings left: {report['retrainings_left']}")
    for alarm in content["alarms"][-3:]:
        lines.append(f"{alarm['at']}  version {alarm['version']}: {', '.join(alarm['causes'])}")
    return [line.replace("[", "\\[") for line in lines]


def drift_table(content: dict[str, Any]) -> Table:
    """Return a table of the columns, the strongest evidence first."""
    table, report = Table("column", "e-value", "went", "rows"), content["report"]
    for column, value in zip(report["columns"], content["figures"]["columns"], strict=True):
        strong = column["e_value"] >= report["threshold"]
        color = "red" if strong else "white"
        # Below the start value there is no evidence of drift, so that a direction would be noise.
        went = column["direction"] if column["e_value"] > 1 else ""
        table.add_row(column["name"], f"[{color}]{value}[/{color}]", went, str(column["rows"]))
    return table


def compare_now(api: Api, model: str) -> None:
    """Compare production with the training data; ApiError when the comparison fails."""
    instance_id = api.post(f"/api/models/{segment(model)}/drift")["instance_id"]
    story, _ = follow(api, instance_id, lambda *_: None, seconds=LONGEST_COMPARISON)
    if story["status"] != "Completed":
        raise ApiError("LOOK_FAILED", f"{instance_id}: {story['output']}")
