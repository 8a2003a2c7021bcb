"""What people see: tables and step lines."""

from typing import Any

from rich.console import Console
from rich.table import Table

COLORS = {
    "Completed": "green",
    "promoted": "green",
    "Failed": "red",
    "failed": "red",
    "rejected": "yellow",
    "awaiting_approval": "cyan",
    "Running": "cyan",
}


def step_line(step: str, seconds: float, detail: str) -> str:
    """Return one step with its duration in seconds; a state without one has no duration."""
    took = f"{seconds:6.2f} s" if seconds else " " * 8
    width = 24 + (len(step) - len(step.replace("[bold]", "").replace("[/bold]", "")))
    return f"   {step:<{width}}[dim]{took}  {short(detail, 104)}[/dim]"


def short(text: Any, width: int) -> str:
    """Return the text on one line, cut to `width`; rich's markup in it is harmless."""
    line = " ".join(str(text or "").split()).replace("[", "\\[")
    return line if len(line) <= width else line[: width - 1] + "…"


def status_tables(content: dict[str, Any]) -> list[Table]:
    """Return a table of stories, and one of dead letters when there are any."""
    stories = Table(
        "story", "status", "step", "why", "updated", title="Stories", title_justify="left"
    )
    for story in content["stories"]:
        step = story["step"] or {}
        color = COLORS.get(story["status"], "white")
        failure = story["output"] if story["status"] == "Failed" else ""
        stories.add_row(
            story["instance_id"],
            f"[{color}]{story['status']}[/{color}]",
            short(step.get("step"), 26),
            short(step.get("reason") or failure, 120),
            short(story["updated_at"], 20),
        )
    tables = [stories]
    if content["lanes"]:
        tables.append(lanes_table(content["lanes"]))
    if content["dead_letters"]:
        tables.append(events_table(content["dead_letters"], "Dead letters"))
    return tables


def lanes_table(lanes: list[dict[str, Any]]) -> Table:
    """Return a table of who is in each lane and who waits for it."""
    table = Table("lane", "story", "", "since", title="Lanes", title_justify="left")
    for place in lanes:
        state = "is in" if place["inside"] else "waits"
        table.add_row(place["lane"], place["owner"], state, short(place["since"], 20))
    return table


def events_table(events: list[dict[str, Any]], title: str) -> Table:
    """Return a table of events and what became of them."""
    table = Table("event", "from", "type", "outcome", "why", title=title, title_justify="left")
    for event in events:
        why = f"{event['code'] or ''} {event['reason'] or ' '.join(event['instance_ids'])}"
        table.add_row(
            event["event_key"],
            event["channel"],
            short(event["type"].rpartition(".")[2], 20),
            event["outcome"],
            short(why, 90),
        )
    return table


def releases_table(releases: list[dict[str, Any]]) -> Table:
    """Return a table of releases."""
    table = Table("release", "status", "image", "decided by", "reasons")
    for release in releases:
        color = COLORS.get(release["status"], "white")
        decision = release["decision"] or {}
        table.add_row(
            release["release_id"],
            f"[{color}]{release['status']}[/{color}]",
            short(release["image_digest"], 20),
            decision.get("decided_by", ""),
            short(" ".join(release["reasons"]), 70),
        )
    return table


def console() -> Console:
    """Return a console that does not break lines of a pipe."""
    made = Console(highlight=False)
    return made if made.is_terminal else Console(highlight=False, width=200)
