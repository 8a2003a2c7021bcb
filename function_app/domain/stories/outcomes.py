"""The outcome of a story in the domain's words, which its Durable status does not have.

A story that rejects data or fails a release is `Completed` for Durable. People see the outcome, the
reasons and the subject of the story; the Durable status stands beside it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from function_app.domain.change.change import Change
from function_app.domain.text import identifiers as ids
from function_app.domain.text.failures import plain_reason

INTEGRATE, TRAIN, RELEASE, ROLL_BACK = (
    *("integrate_change", "train_model"),
    *("release_model", "roll_back"),
)
KINDS = {INTEGRATE: "change of code", TRAIN: "training", RELEASE: "release", ROLL_BACK: "roll-back"}
NOT_RESTORED = "Production does not serve the former champion."


class Tone(StrEnum):
    """The tone of an outcome on a page: open, good, neutral, a warning, or bad."""

    OPEN = "open"
    GOOD = "good"
    NEUTRAL = "neutral"
    WARNING = "warning"
    BAD = "bad"


TONES = {
    "registered": Tone.GOOD,
    "promoted": Tone.GOOD,
    "published": Tone.GOOD,
    "checked": Tone.GOOD,
    "done": Tone.GOOD,
    "same": Tone.GOOD,
    "superseded": Tone.NEUTRAL,
    "stale": Tone.NEUTRAL,
    "cancelled": Tone.NEUTRAL,
    "rejected": Tone.WARNING,
    "expired": Tone.WARNING,
    "rolled_back": Tone.WARNING,
    "findings": Tone.WARNING,
    "different": Tone.WARNING,
    "impossible": Tone.WARNING,
    "failed": Tone.BAD,
    "terminated": Tone.BAD,
    "retrain": Tone.NEUTRAL,
    "budget spent": Tone.WARNING,
    "nothing new to learn from": Tone.WARNING,
    "feedback loop": Tone.WARNING,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryOutcome:
    """The outcome of a story with its full reasons; `running` and no reasons before its end."""

    word: str
    tone: Tone
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryEnd:
    """The end of a story, as the ledger keeps it and people are notified of it."""

    instance_id: ids.InstanceId
    story: ids.InstanceId
    model: ids.ModelName
    outcome: str
    reasons: tuple[str, ...]
    facts: dict[str, str] = field(default_factory=dict)


def outcome_of(story: str, status: str, output: object) -> StoryOutcome:
    """Return the outcome of a story by its Durable status and its output."""
    if status == "Failed":
        return StoryOutcome(word="failed", tone=Tone.BAD, reasons=(_reason(output),))
    if status in ("Terminated", "Canceled"):
        reason = _reason(output) or "A caller with Durable's own key ended the instance."
        return StoryOutcome(word="terminated", tone=Tone.BAD, reasons=(reason,))
    if status != "Completed":
        return StoryOutcome(word=status.lower(), tone=Tone.OPEN)
    word, reasons = _read(story, output if isinstance(output, Mapping) else {})
    return StoryOutcome(word=word, tone=TONES.get(word, Tone.GOOD), reasons=reasons)


def facts_of(
    story: str, argument: object, output: object, step: Mapping[str, object] | None = None
) -> dict[str, str]:
    """Return the facts of a story: model, version, commit, data file, endpoint and so on.

    `argument` is its input and `step` its present step, which names the data of a training that
    was asked to use the newest.
    """
    given = argument if isinstance(argument, Mapping) else {}
    ended = output if isinstance(output, Mapping) else {}
    shown = step or {}
    change = _inner(given, "change")
    facts = {
        "model": given.get("model"),
        "version": ended.get("version") or given.get("version"),
        "commit": change.get("commit") or ended.get("commit"),
        "branch": change.get("branch"),
        "repository": change.get("repository"),
        "author": change.get("author"),
        "pull_request": change.get("proposal"),
        "data": given.get("data_uri") or shown.get("data"),
        "data_version": ended.get("data_version") or shown.get("data_version"),
        "code_version": given.get("code_version"),
        "why": given.get("reason"),
        "run": ended.get("run_id"),
        "image": ended.get("image_digest"),
        "endpoint": ended.get("endpoint"),
        "decided_by": ended.get("decided_by"),
        "release": _inner(given, "release").get("release_id") or given.get("release_id"),
        "asked_by": given.get("by"),
    }
    if story == ROLL_BACK:
        facts["version"] = _inner(given, "former").get("version")
    return {name: str(fact) for name, fact in facts.items() if fact}


def change_facts(change: Change) -> dict[str, str]:
    """Return the facts that identify a change of code for people."""
    facts = {
        "commit": change.commit,
        "branch": change.branch,
        "repository": change.repository,
        "author": change.author,
        "pull_request": change.proposal,
    }
    return {name: fact for name, fact in facts.items() if fact}


def is_alarming(story: str, outcome: str, run_id: str | None) -> bool:
    """Return whether people must be notified of this end.

    A challenger that is not better than the champion is the everyday outcome of a gate. Bad data
    (a rejection before any run), a rejected change and every failure are not.
    """
    if outcome in ("failed", "terminated"):
        return True
    return outcome == "rejected" and not (story == TRAIN and run_id)


def end_name(story: str, model: str) -> str:
    """Return the name of the ledger's record with the newest end of this kind of story."""
    return f"end/{story}/{model}"


def _read(story: str, output: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    reasons = tuple(str(reason) for reason in output.get("reasons") or ())
    match story:
        case "train_model" | "integrate_change" | "reproduce_model":
            return str(output.get("outcome") or "done"), reasons
        case "release_model":
            return str(output.get("status") or "done"), reasons
        case "roll_back":
            if output.get("restored", True):
                return "done", ()
            return "failed", (NOT_RESTORED,)
        case "reconcile":
            open_ones = [f for f in output.get("findings") or () if not f.get("repaired")]
            lines = tuple(f"{f['kind']}: {f['subject']}. {f['detail']}" for f in open_ones)
            return ("findings" if lines else "done"), lines
        case "watch_production":
            reason = output.get("reason")
            return str(output.get("verdict") or "done"), (str(reason),) if reason else ()
    return "done", reasons


def _inner(content: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = content.get(name)
    return value if isinstance(value, Mapping) else {}


def _reason(output: object) -> str:
    return "" if output is None else plain_reason(str(output))
