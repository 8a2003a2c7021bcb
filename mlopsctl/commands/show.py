"""mlopsctl show: every known fact about one story, release, run or event."""

from typing import Annotated, Any

import typer

from mlopsctl import screens
from mlopsctl.next_commands import next_commands
from mlopsctl.reach.client import Api, segment, unknown
from mlopsctl.reach.connection import STATE, Json, State, Url, connect, print_json

Known = dict[str, Any]
_HIDDEN = (
    "reasons",
    "evidence",
    "story",
    "step",
    "output",
    "facts",
    "payload",
    "decision",
    "decisions",
    "authors",
    "metrics",
    "metrics_by",
    "tone",
)


def show(
    name: Annotated[str, typer.Argument(metavar="ID", help="A story, release, run or event.")],
    url: Url = "",
    state: State = STATE,
    as_json: Json = False,
) -> None:
    """Show a story, release, training, run or event with its reasons and the next command."""
    api = connect(url, state)
    known = find(api, name)
    if as_json:
        print_json(known)
    else:
        out = screens.console()
        for line in lines(known):
            out.print(line, soft_wrap=True, markup=False)
    if known["release"]:
        api.seen.keep(known["release"])


def find(api: Api, name: str) -> Known:
    """Return the facts that the app has under this id; ApiError when it has none."""
    path = segment(name)
    known: Known = {
        kind: api.find(f"/api/{route}/{path}")
        for kind, route in (
            ("release", "releases"),
            ("story", "status"),
            ("run", "runs"),
            ("event", "events"),
        )
    }
    if not any(known.values()):
        raise unknown(name)
    if known["release"]:
        known["release"].pop("story", None)
    known["caused_by"] = _causes(api, name) if known["story"] else []
    known["next"] = next_commands(known, name, api.people())
    return known


def _causes(api: Api, name: str) -> list[Known]:
    events: list[Known] = api.get("/api/events?limit=1000")["events"]
    return [event for event in events if name in event["instance_ids"]]


def lines(known: Known) -> list[str]:
    """Return everything as lines, with full texts."""
    text: list[str] = []
    for kind in ("release", "story", "run", "event"):
        if known[kind]:
            text += [kind.capitalize(), *_section(known[kind]), ""]
    for event in known["caused_by"]:
        came = f"{event['received_at']} by {event['channel']}"
        text.append(f"Caused by {event['type']} {event['subject']}, {came}: {event['event_key']}")
    if known["next"]:
        text += ["Next", *(f"  {command}" for command in known["next"])]
    return text


def _section(content: Known) -> list[str]:
    section = [
        _fact(_label(name, content), value)
        for name, value in {**content, **(content.get("facts") or {})}.items()
        if name not in _HIDDEN and value not in (None, "", [], {})
    ]
    decision = content.get("decision")
    if decision:
        said = f": {decision['comment']}" if decision["comment"] else ""
        text = (
            f"{decision['verdict']} by {decision['decided_by']} at {decision['decided_at']}{said}"
        )
        section.append(_fact("decision", text))
    for each in content.get("decisions") or []:
        if each.get("withdrawn_at"):
            why = f": {each['withdrawn_comment']}" if each["withdrawn_comment"] else ""
            text = f"{each['decided_by']} withdrew at {each['withdrawn_at']}{why}"
            section.append(_fact("withdrawn", text))
    reasons, evidence = content.get("reasons") or [], content.get("evidence") or []
    section += _listed("reasons", reasons)
    section += _listed("evidence", evidence if evidence != reasons else [])
    step = content.get("step") if isinstance(content.get("step"), dict) else {}
    trail = [f"{entry['at']}  {entry['step']}" for entry in (step or {}).get("trail", [])]
    return [*section, *_listed("trail", trail)]


def _label(name: str, content: Known) -> str:
    """Return the words for a fact: figures that a training reports of itself are named so."""
    if name != "figures":
        return name
    is_reported = content.get("metrics_by") == "training"
    return "metrics, reported by the training itself: " if is_reported else "metrics"


def _fact(name: str, value: Any) -> str:
    if isinstance(value, dict):
        value = ", ".join(f"{key} {inner}" for key, inner in value.items())
    elif isinstance(value, list):
        value = ", ".join(map(str, value))
    return f"  {name.replace('_', ' '):<19}{value}"


def _listed(name: str, entries: list[str]) -> list[str]:
    return [f"  {name}", *(f"    - {entry}" for entry in entries)] if entries else []
