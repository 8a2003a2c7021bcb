"""Differences between ledger, histories and platforms, and their repair."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from function_app.domain.release.authorization import Change
from function_app.domain.release.release import ReleaseRecord, ReleaseStatus
from function_app.domain.release.serving import Image, Serving
from function_app.domain.text import identifiers as ids
from function_app.domain.training import ModelVersion, Run, RunStatus, run_id

# The name of the ledger's record with the last report.
FINDINGS = "findings"
# Failed stories are reported for this long.
RECENT = timedelta(days=7)
# Longer than any story waits for one thing: the longest single timer is six days.
LONGEST_WAIT = timedelta(days=7)
# A record this young may just be on its way.
YOUNG = timedelta(minutes=10)
# The ledger keeps so many findings of one comparison; the story's output shows fewer.
KEPT_FINDINGS, SHOWN_FINDINGS = 1000, 100


class FindingKind(StrEnum):
    """The kind of a difference."""

    FAILED_STORY = "failed story"
    STUCK_STORY = "stuck story"
    SUSPENDED_STORY = "suspended story"
    DEAD_RELEASE = "release without a story"
    LOST_RUN = "run without a story"
    ORPHANED_STAGING = "orphaned staging"
    FOREIGN_STAGING = "staging changed out of band"
    EXPIRED_STAGING = "expired staging"
    LOST_EVENT = "registered version without a release"
    FOREIGN_VERSION = "model registered out of band"
    NOT_READY = "production not ready"
    OPEN_PRODUCTION = "production answers without a key"
    FOREIGN_CHAMPION = "production changed out of band"
    UNFIT_CHAMPION = "champion that cannot be right"
    UNREACHABLE = "platform unreachable"
    UNANSWERED_DRIFT = "drift that no retraining answers"
    FEEDBACK_LOOP = "feedback loop"
    UNREADABLE_LABELS = "unreadable labels"
    VALUES_OUT_OF_RANGE = "values out of range"
    UNREADABLE_FILE = "file that is never read"
    LATE_ENTRY = "decision without an entry in the audit log"
    DAMAGED_RECORD = "record that cannot be read"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A difference: its subject, the observation, and whether it was repaired."""

    kind: FindingKind
    subject: str
    detail: str
    repaired: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryState:
    """An orchestration instance, as its history says."""

    instance_id: str
    status: str
    ended: bool
    updated_at: datetime
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileRequest:
    """Compare everything of these models, because of `reason`."""

    reason: str
    models: tuple[ids.ModelName, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelName:
    """Names a model."""

    model: ids.ModelName


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileReport:
    """The findings; `omitted` more were left out, because a payload may not be larger."""

    findings: tuple[Finding, ...]
    omitted: int = 0


def limit_findings(report: ReconcileReport, most: int) -> ReconcileReport:
    """Return the report with at most so many findings; open findings come first."""
    if len(report.findings) <= most:
        return report
    ordered = sorted(report.findings, key=lambda finding: finding.repaired)
    omitted = report.omitted + len(ordered) - most
    return ReconcileReport(findings=tuple(ordered[:most]), omitted=omitted)


def new_findings(report: ReconcileReport, before: set[tuple[str, str]]) -> tuple[Finding, ...]:
    """Return the open findings whose kind and subject are not among those reported before."""
    return tuple(
        finding
        for finding in report.findings
        if not finding.repaired and (finding.kind, finding.subject) not in before
    )


def judge_stories(stories: Iterable[StoryState], now: datetime) -> list[Finding]:
    """Find stories that failed lately, are suspended, or make no progress."""
    findings = []
    for story in stories:
        age = now - story.updated_at
        if story.status == "Failed" and age < RECENT:
            detail = f"{story.detail} `mlopsctl status` shows where; rewind or terminate it."
            kind = FindingKind.FAILED_STORY
            findings.append(Finding(kind=kind, subject=story.instance_id, detail=detail))
        elif story.status == "Suspended":
            detail = (
                "It does nothing until it is resumed, and this app suspends no story. Resume it by "
                "the management API of Durable, or terminate it and `mlopsctl retry` it; if none "
                "of your people suspended it, rotate the keys of Durable (docs/how-to/operate.md)."
            )
            kind = FindingKind.SUSPENDED_STORY
            findings.append(Finding(kind=kind, subject=story.instance_id, detail=detail))
        elif not story.ended and age > LONGEST_WAIT:
            detail = (
                f"Nothing happened for {age.days} days. Terminate it if it is no longer needed."
            )
            kind = FindingKind.STUCK_STORY
            findings.append(Finding(kind=kind, subject=story.instance_id, detail=detail))
    return findings


def dead_releases(
    records: Iterable[ReleaseRecord], stories: Mapping[str, StoryState], now: datetime
) -> list[ReleaseRecord]:
    """Return releases that the ledger has under way and no story takes any further."""
    return [
        record
        for record in records
        if not record.status.ended
        and now - record.updated_at > YOUNG
        and (record.release.release_id not in stories or stories[record.release.release_id].ended)
    ]


def lost_runs(runs: Iterable[Run], stories: Mapping[str, StoryState]) -> list[Run]:
    """Return runs that still run and that no story waits for."""
    return [
        run
        for run in runs
        if run.status is RunStatus.RUNNING
        and (owner := run.tags.get("instance_id"))
        and (owner not in stories or stories[owner].ended)
    ]


def owners(records: Iterable[ReleaseRecord], runs: Iterable[Run]) -> set[str]:
    """Return the stories that open releases and running runs wait for."""
    releases = {record.release.release_id for record in records if not record.status.ended}
    running = (run for run in runs if run.status is RunStatus.RUNNING)
    return releases | {run.tags["instance_id"] for run in running if run.tags.get("instance_id")}


def unreleased(
    versions: Iterable[ModelVersion], records: Mapping[str, ReleaseRecord]
) -> list[ModelVersion]:
    """Return versions without a release: our own when newer than any release, and all foreign ones.

    An own version is named by its run, a training of its model. `versions` are gone through once,
    and only those that may be returned are kept: a model may have many.
    """
    known = {record.release.version for record in records.values()}
    built = {record.release.version for record in records.values() if record.image}
    newest = max(map(_number, built), default=0)
    candidates = []
    for version in versions:
        if version.version not in known:
            candidates += [version] if _may_lack(version, newest) else []
        else:
            # A release of a version that never existed hides no version: its event was forged.
            newest = max(newest, _number(version.version))
    return [version for version in candidates if _may_lack(version, newest)]


def _may_lack(version: ModelVersion, newest: int) -> bool:
    """Return whether a version without a release should have one, or is foreign.

    `newest` is the highest released version.
    """
    own = version.run_id.startswith(run_id(version.model, ""))
    return not (own and version.version.isdigit()) or int(version.version) > newest


def _number(version: str) -> int:
    return int(version) if version.isdigit() else 0


def judge_champion(
    model: str,
    served: Image | None,
    records: Iterable[ReleaseRecord],
    last: Change | None,
    *,
    explained: bool,
) -> Finding | None:
    """Compare production with the last change that a decision authorised.

    `explained` says whether a stored decision approved the served image. Without a change, as in a
    ledger of version 0.1.0, any approved image may be served. None when both agree.
    """
    digest = served.digest if served else None
    if last is not None:
        agrees = digest in last.digests()
        expected = " or ".join(d[:19] if d else "nothing" for d in dict.fromkeys(last.digests()))
    else:
        given = list(records)
        promoted = any(record.status is ReleaseStatus.PROMOTED for record in given)
        under_way = any(not record.status.ended for record in given)
        agrees = explained if served else (under_way or not promoted)
        expected = "the image of a promoted release" if promoted else "nothing"
    if agrees:
        return None
    image = f"version {served.version}, {served.digest[:19]}" if served else "nothing"
    why = "no decision explains" if served and not explained else "the last decision does not say"
    detail = (
        f"It serves {image}, which {why}. By the last decision it serves {expected}. Find out who "
        "changed production; `mlopsctl roll-back`, `shutdown` or a release puts it right."
    )
    return Finding(kind=FindingKind.FOREIGN_CHAMPION, subject=model, detail=detail)


def judge_serving(
    model: str, serving: Serving | None, records: Iterable[ReleaseRecord]
) -> Finding | None:
    """Return the finding when fewer replicas are ready than should serve.

    None when enough are ready, and while the story of a release changes them. A release that waits
    for approval changes nothing.
    """
    under_way = any(record.status is ReleaseStatus.IN_PROGRESS for record in records)
    if serving is None or serving.ready >= serving.replicas or under_way:
        return None
    detail = (
        f"Version {serving.image.version} should be served; {serving.ready} of {serving.replicas}"
        f" replicas are ready. They are requested again. {serving.detail}"
    )
    return Finding(kind=FindingKind.NOT_READY, subject=model, detail=detail.strip())
