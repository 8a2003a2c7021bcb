"""The chain of a version: event, data, commit, parameters, lock, run, model."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict

from function_app.domain.events.caller import caller_tags
from function_app.domain.lineage.environment import RunEnvironment, described
from function_app.domain.lineage.origin import Origin, PublishedCode
from function_app.domain.text.figures import figure
from function_app.domain.training import ModelVersion, Run, RunStatus, is_own

_NOT_OURS = (
    "This app has no record of its training: another tool registered the version, or version 0.1.0 "
    "of this app did in Azure."
)


class Link(TypedDict):
    """A link of the chain: its id, its digest and its time, None where there is none.

    `missing` says why a part of it is unknown, None when all of it is known.
    """

    link: str
    id: str | None
    digest: str | None
    at: datetime | None
    facts: dict[str, str]
    missing: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """All that the app has about a version; `run` is None when its platform lost it."""

    version: ModelVersion
    module: str = ""
    run: Run | None = None
    environment: RunEnvironment | None = None
    origin: Origin | None = None
    code: PublishedCode | None = None


def chain(known: Known) -> list[Link]:
    """Return the seven links in their order; each says what is missing of it."""
    return [
        _event(known),
        _data(known),
        _commit(known),
        _parameters(known),
        _lock(known),
        _run(known),
        _model(known),
    ]


def parameters(known: Known) -> dict[str, str]:
    """Return the parameters of the training by name.

    They are those that the platform gave to it, and the figures that the training reported itself.
    """
    run, origin = known.run, known.origin
    given = {
        "model": known.version.model,
        "module": known.module,
        "data_path": origin.training.data_uri if origin else "",
        "reason": origin.training.reason if origin else "",
        **(caller_tags(run.tags) if run else {}),
    }
    reported = run.metrics.items() if run and run.reported else ()
    figures = {f"reported.{name}": figure(value) for name, value in sorted(reported)}
    return {name: value for name, value in {**given, **figures}.items() if value}


def _event(known: Known) -> Link:
    origin = known.origin
    event = origin.event if origin else None
    if event is not None:
        facts = {"type": event.type, "subject": event.subject, "channel": event.channel}
        return _link("event", id=event.event_key, at=event.received_at, facts=facts)
    if not is_own(known.version):
        return _link("event", missing=_NOT_OURS)
    if origin is None:
        return _link(
            "event",
            missing="An earlier version of this app registered the version and kept no event.",
        )
    at, story = origin.training.began_at, origin.training.instance_id
    facts = {"story": story} if story else {}
    text = "No stored event names this training: a person retried it, or the event was deleted."
    return _link("event", at=at, facts=facts, missing=text)


def _data(known: Known) -> Link:
    origin, run = known.origin, known.run
    version = (origin.data_version if origin else "") or (run.dataset_version if run else "")
    # A training on the newest data was given no path, so that the stored version's path names it.
    uri = origin.training.data_uri or origin.training.stored_uri if origin else ""
    facts = {"path": uri} if uri else {}
    at = origin.training.began_at if origin else None
    return _link(
        "data",
        id=version[:12],
        digest=version,
        at=at,
        facts=facts,
        missing=None if version else _lost(known, "the version of its data"),
    )


def _commit(known: Known) -> Link:
    code, environment = known.version.code, known.environment
    if code is not None:
        published = known.code
        facts: dict[str, str] = {}
        if published:
            facts = {"repository": published.repository, "branch": published.branch}
        if people := _people(known.version):
            facts["authors"] = people
        at = published.published_at if published else None
        return _link("commit", id=code.commit, digest=code.version, at=at, facts=facts)
    if not is_own(known.version):
        return _link("commit", missing=_NOT_OURS)
    own = environment.code if environment else ""
    facts = {"code": f"this app's own module {known.module}" if known.module else "this app's own"}
    missing = None if own else "The app's own code trained it, and its digest was not recorded."
    return _link("commit", digest=own, facts=facts, missing=missing)


def _parameters(known: Known) -> Link:
    if not is_own(known.version):
        return _link("parameters", missing=_NOT_OURS)
    content = parameters(known)
    text = json.dumps(content, sort_keys=True)
    return _link(
        "parameters",
        digest=hashlib.sha256(text.encode()).hexdigest(),
        at=_begun(known),
        facts=content,
        missing=None if known.run else _lost(known, "the parameters that it reported"),
    )


def _lock(known: Known) -> Link:
    environment = known.environment
    if environment is None:
        return _link("lock", missing=_lost(known, "its packages and its environment"))
    facts = {name: value for name, value in described(environment).items() if name != "code"}
    lock = facts.pop("lock", "")
    missing = None if lock else "The app's lock file was not there, so that no digest was recorded."
    return _link("lock", id=lock[:12], digest=lock, at=_begun(known), facts=facts, missing=missing)


def _run(known: Known) -> Link:
    run, run_id = known.run, known.version.run_id
    if run is None:
        missing = _lost(known, "its run") if run_id else _NOT_OURS
        return _link("run", id=run_id, at=_begun(known), missing=missing)
    facts = {"status": run.status.value, "story": run.tags.get("instance_id", "")}
    facts = {name: value for name, value in facts.items() if value}
    return _link("run", id=run.run_id, at=_begun(known), facts=facts)


def _model(known: Known) -> Link:
    version, origin = known.version, known.origin
    figures = {name: figure(value) for name, value in sorted(version.metrics.items())}
    verdict = " ".join(origin.training.verdict) if origin else ""
    facts = {"evaluation": version.evaluation_id, "verdict": verdict, **figures}
    return _link(
        "model",
        id=f"{version.model}:{version.version}",
        digest=version.digest,
        at=origin.registered_at if origin else None,
        facts={name: value for name, value in facts.items() if value},
        missing=None if is_own(version) else _NOT_OURS,
    )


def _people(version: ModelVersion) -> str:
    return ", ".join(f"{author.identity} ({author.role})" for author in version.authors)


def _begun(known: Known) -> datetime | None:
    return known.environment.begun_at if known.environment else None


def _lost(known: Known, part: str) -> str:
    """Return why a part of an own or a foreign version is unknown."""
    if not is_own(known.version):
        return _NOT_OURS
    run_id = known.version.run_id
    if known.run is None:
        return f"The platform does not have run {run_id} any more, so that {part} is unknown."
    return f"An earlier version of this app made run {run_id} and did not record {part}."


def _link(
    name: str,
    *,
    id: str | None = None,
    digest: str | None = None,
    at: datetime | None = None,
    facts: Mapping[str, str] | None = None,
    missing: str | None = None,
) -> Link:
    return {
        "link": name,
        "id": id or None,
        "digest": digest or None,
        "at": at,
        "facts": dict(facts or {}),
        "missing": missing,
    }


def known_run(run: Run) -> Run | None:
    """Return a run, None when its platform does not know it."""
    return None if run.status is RunStatus.UNKNOWN else run
