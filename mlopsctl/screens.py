"""The tables and step lines that people see."""

from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

# Colours by the tone of an outcome, which the app decides.
TONES = {
    "open": "cyan",
    "good": "green",
    "neutral": "white",
    "warning": "yellow",
    "bad": "red",
}
RELEASES = {
    "promoted": "green",
    "failed": "red",
    "rejected": "yellow",
    "expired": "yellow",
    "rolled_back": "yellow",
    "awaiting_approval": "cyan",
    "in_progress": "cyan",
}
# Limits of a status: reasons per story, and stories with reasons; `mlopsctl show` has all.
MOST_REASONS, MOST_STORIES = 5, 20


def step_line(step: str, seconds: float, detail: str) -> str:
    """Return one step with its duration in seconds; a state without one has no duration."""
    took = f"{seconds:6.2f} s" if seconds else " " * 8
    width = 24 + (len(step) - len(step.replace("[bold]", "").replace("[/bold]", "")))
    return f"   {step:<{width}}[dim]{took}  {short(detail, 104)}[/dim]"


def short(text: Any, width: int) -> str:
    """Return the text on one line, cut to `width`; rich's markup in it is harmless."""
    line = " ".join(str(text or "").split()).replace("[", "\\[")
    return line if len(line) <= width else line[: width - 1] + "…"


def moment(text: str | None) -> str:
    """Return a time of the API to the second, "" when there is none."""
    return f"{text[:19]}Z" if text else ""


def status_tables(content: dict[str, Any]) -> list[Table]:
    """Return a table of stories, then lanes and dead letters when there are any."""
    stories = Table(
        *("story", "outcome", "model", "version", "about", "step", "began", "updated", "Durable"),
        title="Stories",
        title_justify="left",
    )
    for story in content["stories"]:
        step, facts = story["step"] or {}, story["facts"]
        color = TONES.get(story["tone"], "white")
        stories.add_row(
            story["instance_id"],
            f"[{color}]{story['outcome']}[/{color}]",
            escape(facts.get("model", "")),
            escape(facts.get("version", "")),
            escape(about(facts)),
            "" if story["ended"] else escape(str(step.get("step") or "")),
            moment(story["created_at"]),
            moment(story["updated_at"]),
            story["status"],
        )
    tables = [stories]
    if content["lanes"]:
        tables.append(lanes_table(content["lanes"]))
    if content["dead_letters"]:
        tables.append(events_table(content["dead_letters"], "Dead letters"))
    return tables


def about(facts: dict[str, str]) -> str:
    """Return the file name of the data, the commit, the endpoint, or the cause of a story."""
    data = facts.get("data", "").rpartition("/")[2]
    commit = facts.get("commit", "")[:12]
    shown = [data, f"commit {commit}" if commit else "", facts.get("endpoint", "")]
    shown.append(facts.get("approvals", ""))
    return " ".join(part for part in shown if part) or facts.get("why", "")


def reason_lines(stories: list[dict[str, Any]]) -> list[str]:
    """Return the full reasons of the newest stories that did not end well, a line each."""
    lines: list[str] = []
    lost = [story for story in stories if story["tone"] in ("warning", "bad")]
    for story in lost[:MOST_STORIES]:
        color = TONES[story["tone"]]
        lines.append(f"\n{story['instance_id']} [{color}]{story['outcome']}[/{color}]")
        lines += [f"  - {escape(reason)}" for reason in story["reasons"][:MOST_REASONS]]
        more = len(story["reasons"]) - MOST_REASONS
        if more > 0:
            lines.append(f"  {more} more: mlopsctl show {story['instance_id']}")
    return lines


def lanes_table(lanes: list[dict[str, Any]]) -> Table:
    """Return a table of the lanes with the stories that hold them and the stories that wait."""
    table = Table("lane", "story", "", "since", title="Lanes", title_justify="left")
    for place in lanes:
        state = "is in" if place["inside"] else "waits"
        table.add_row(place["lane"], place["owner"], state, short(place["since"], 20))
    return table


def events_table(events: list[dict[str, Any]], title: str) -> Table:
    """Return a table of events, their outcomes and the full reasons."""
    table = Table("event", "from", "type", "outcome", "why", title=title, title_justify="left")
    for event in events:
        why = f"{event['code'] or ''} {event['reason'] or ' '.join(event['instance_ids'])}"
        table.add_row(
            event["event_key"],
            event["channel"],
            escape(event["type"].rpartition(".")[2]),
            event["outcome"],
            escape(why.strip()),
        )
    return table


def releases_table(releases: list[dict[str, Any]]) -> Table:
    """Return a table of releases."""
    table = Table("release", "status", "version", "image", "endpoint", "decided by", "updated")
    for release in releases:
        color = RELEASES.get(release["status"], "white")
        people = [
            f"{word}{release[name]}"
            for name, word in (
                ("decided_by", ""),
                ("rolled_back_by", "rolled back: "),
                ("cancelled_by", "cancelled: "),
            )
            if release.get(name)
        ]
        table.add_row(
            release["release_id"],
            f"[{color}]{release['status']}[/{color}]{_progress(release)}",
            escape(str(release["version"])),
            short(release["image_digest"], 20),
            escape(release.get("endpoint") or ""),
            escape(", ".join(people)),
            moment(release["updated_at"]),
        )
    return table


def _progress(release: dict[str, Any]) -> str:
    """Return the number of approvals of a waiting release, "" where one approval is enough."""
    waits = release["status"] == "awaiting_approval" and release.get("approvals_required", 1) > 1
    return f", {release['approvals']}" if waits else ""


def release_lines(releases: list[dict[str, Any]]) -> list[str]:
    """Return the full reasons of every release, a line each."""
    lines: list[str] = []
    for release in releases:
        if release["reasons"]:
            lines.append(f"\n{release['release_id']} {release['status']}")
            lines += [f"  - {escape(reason)}" for reason in release["reasons"]]
            if release["status"] == "awaiting_approval":
                lines.append(f"  image {release['image_digest']}")
                lines.append(f"  evidence {release['evidence_hash']}")
    return lines


def console() -> Console:
    """Return a console that does not break lines of a pipe."""
    made = Console(highlight=False)
    return made if made.is_terminal else Console(highlight=False, width=1000)
