"""The effect of drift: a retraining within budget and cooldown, never a loop.

An alarm is raised at most once per test (one champion, since one moment), and is stored until its
event is published. Drift that another training cannot remedy is a finding for people.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from function_app.domain.drift.confirmation import (
    Suspicion,
    add_parts,
    confirm,
    count_callers,
    is_given_up,
    strong_causes,
    suspect,
)
from function_app.domain.drift.drift import (
    EARLY_LABELS,
    Block,
    Evidence,
    add_batch,
    describe_evidence,
)
from function_app.domain.drift.observations import (
    LabelSums,
    ObservationBatch,
    Reference,
    Watched,
)
from function_app.domain.events.events import DriftDetected, claim_key
from function_app.domain.text import identifiers as ids
from function_app.domain.training import run_id
from function_app.errors import ContractError

# At least this many of the training rows that production had been asked must be recognized before
# their targets are evidence, and at least this share of them must be the app's own answers.
SEEN_ROWS, ECHO_SHARE = 20, 0.98
KEPT_ALARMS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftPolicy:
    """The rules by which production is watched, `[models.<name>.drift]` in mlops.toml.

    `alpha` is the probability, per champion, of ever reporting drift without any; `columns` are the
    inputs that are logged and tested, () for all; `sample` is the share of requests that is logged.
    `label_margin` is the share by which the squared error may exceed the held-out rows'. A
    retraining needs requests of `days` days (UTC), and evidence that the requests of any `callers`
    - 1 callers alone do not bring about; 1 asks for neither. Within
    `window_seconds` at most `max_retrainings` are caused, `cooldown_seconds` apart; the same drift
    after `loop_length` retrainings for it is a loop.
    """

    alpha: float = 0.01
    min_rows: int = 200
    columns: tuple[str, ...] = ()
    log_inputs: bool = True
    sample: float = 1.0
    rows_per_request: int = 100
    label_margin: float = 0.25
    interval_seconds: float = 300.0
    cooldown_seconds: float = 86_400.0
    max_retrainings: int = 3
    window_seconds: float = 2_592_000.0
    loop_length: int = 2
    days: int = 2
    callers: int = 2

    def __post_init__(self) -> None:
        if not 0 < self.alpha < 0.5:
            raise ContractError(f"drift.alpha is {self.alpha}; it is a probability below 0.5.")
        if not 0 < self.sample <= 1:
            raise ContractError(f"drift.sample is {self.sample}; it is a share of the requests.")
        if self.min_rows < 1 or self.rows_per_request < 1:
            raise ContractError("drift: min_rows and rows_per_request are at least 1.")
        if self.max_retrainings < 0:
            raise ContractError(
                f"drift.max_retrainings is {self.max_retrainings}; it is 0, which forbids "
                "retrainings for drift, or more."
            )
        if min(self.interval_seconds, self.window_seconds) <= 0 or self.loop_length < 1:
            raise ContractError("drift: interval, window and loop_length are over 0.")
        if self.days < 1 or self.callers < 1:
            raise ContractError("drift: days and callers are at least 1.")


class Verdict(StrEnum):
    """The effect of the evidence."""

    QUIET = "quiet"
    SUSPECTED = "suspected"
    UNCONFIRMED = "not confirmed"
    RETRAIN = "retrain"
    COOLDOWN = "cooldown"
    BUDGET_SPENT = "budget spent"
    NOTHING_NEW = "nothing new to learn from"
    LOOP = "feedback loop"

    @property
    def needs_people(self) -> bool:
        return self in (
            Verdict.UNCONFIRMED,
            Verdict.BUDGET_SPENT,
            Verdict.NOTHING_NEW,
            Verdict.LOOP,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """Observed drift: its champion, its subject, and the data of the retraining.

    `report_id` names the test that raised it, `run_id` is the run that its event causes and
    `champion_run` the one that the champion came from; `causes` are columns with their directions.
    """

    report_id: ids.Opaque
    run_id: ids.RunId
    version: ids.Version
    champion_run: ids.RunId
    causes: tuple[str, ...]
    dataset_version: ids.DataDigest
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftState:
    """The state between two comparisons; the present test began at `since`.

    `callers` has the rows of each caller since then, `out_of_range` the values that input
    validation would refuse, by column. `early` are the champion's first labels. People know `told`
    and `told_columns` already.
    """

    digest: str
    since: datetime
    cursor: str = ""
    blocks: tuple[Block, ...] = ()
    unmatched: int = 0
    pending: Alarm | None = None
    told: Verdict = Verdict.QUIET
    alarms: tuple[Alarm, ...] = field(default_factory=tuple)
    callers: dict[str, int] = field(default_factory=dict)
    suspicion: Suspicion | None = None
    repeated: int = 0
    out_of_range: dict[str, int] = field(default_factory=dict)
    told_columns: tuple[str, ...] = ()
    early: LabelSums = field(default_factory=LabelSums)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A verdict with the reason for it, and the alarm when a retraining is due."""

    verdict: Verdict
    reason: str
    alarm: Alarm | None = None


def restart(state: DriftState | None, digest: str, now: datetime) -> DriftState:
    """Begin another test: for the first champion, for a new one, or after an alarm."""
    if state is None:
        return DriftState(digest=digest, since=now)
    is_same = state.digest == digest
    return DriftState(
        digest=digest,
        since=now,
        cursor=state.cursor,
        alarms=state.alarms,
        told_columns=state.told_columns if is_same else (),
        early=state.early if is_same else LabelSums(),
    )


def add(state: DriftState, batch: ObservationBatch, policy: DriftPolicy) -> DriftState:
    """Return the state with new observations."""
    suspicion = state.suspicion
    out_of_range = dict(state.out_of_range)
    for name, values in batch.out_of_range.items():
        out_of_range[name] = out_of_range.get(name, 0) + values
    return replace(
        state,
        cursor=batch.cursor,
        blocks=add_batch(state.blocks, batch),
        unmatched=state.unmatched + batch.unmatched,
        callers=count_callers(state.callers, batch),
        suspicion=add_parts(suspicion, batch, policy.days) if suspicion else None,
        repeated=state.repeated + batch.repeated,
        out_of_range=out_of_range,
        early=state.early if state.early.units >= EARLY_LABELS else state.early + batch.labels,
    )


def follow(state: DriftState, evidence: Evidence, policy: DriftPolicy, now: datetime) -> DriftState:
    """Return the state with a suspicion while the evidence is for drift, and without one else."""
    if not _is_enough(evidence, policy):
        return replace(state, suspicion=None)
    suspicion = state.suspicion or suspect(evidence, evidence.rows, now)
    return replace(state, suspicion=suspicion)


def acknowledge(state: DriftState, report_id: str, now: datetime) -> DriftState:
    """Record that the event of an alarm is published; a repetition changes nothing."""
    alarm = state.pending
    if alarm is None or alarm.report_id != report_id:
        return state
    alarms = (*state.alarms, alarm)[-KEPT_ALARMS:]
    return restart(replace(state, alarms=alarms), state.digest, now)


def judge(
    state: DriftState,
    evidence: Evidence,
    reference: Reference,
    newest_dataset: str,
    policy: DriftPolicy,
    now: datetime,
) -> Judgement:
    """Decide the effect of the evidence."""
    if not _is_enough(evidence, policy):
        return Judgement(verdict=Verdict.QUIET, reason="")
    alarm = _alarm(state, evidence, reference.watched, newest_dataset, now)
    unconfirmed = _unconfirmed(state, reference, policy, alarm, now)
    if unconfirmed is not None:
        return unconfirmed
    recent = recent_alarms(state, policy, now)
    if _is_fed_by_itself(reference):
        reason = (
            f"{reference.echoed} of {reference.seen} training rows that production was asked "
            f"before carry its own answers as targets. {alarm.reason} Bring true targets."
        )
        return Judgement(verdict=Verdict.LOOP, reason=reason)
    repeats = _repeats(alarm, reference.watched.run_id, recent)
    if repeats >= policy.loop_length:
        reason = (
            f"It drifted again in the same way after {repeats} retrainings. {alarm.reason} "
            "Find out how the model changes its own inputs."
        )
        return Judgement(verdict=Verdict.LOOP, reason=reason)
    until = cooldown_until(state, policy)
    if until is not None and now < until:
        reason = f"The last retraining is too recent. {alarm.reason}"
        return Judgement(verdict=Verdict.COOLDOWN, reason=reason)
    if newest_dataset == reference.watched.dataset_version:
        reason = (
            f"Version {alarm.version} was trained on the newest data there is. {alarm.reason} "
            "Bring newer data."
        )
        return Judgement(verdict=Verdict.NOTHING_NEW, reason=reason)
    if any(a.version == alarm.version and a.dataset_version == newest_dataset for a in recent):
        reason = (
            f"Version {alarm.version} drifted before and was retrained on the newest data there "
            f"is. {alarm.reason} Bring newer data."
        )
        return Judgement(verdict=Verdict.NOTHING_NEW, reason=reason)
    if len(recent) >= policy.max_retrainings:
        reason = f"{len(recent)} retrainings for drift were the budget. {alarm.reason}"
        return Judgement(verdict=Verdict.BUDGET_SPENT, reason=reason)
    return Judgement(verdict=Verdict.RETRAIN, reason=alarm.reason, alarm=alarm)


def recent_alarms(state: DriftState, policy: DriftPolicy, now: datetime) -> tuple[Alarm, ...]:
    """Return the alarms that count against the budget, oldest first."""
    begin = now - timedelta(seconds=policy.window_seconds)
    return tuple(alarm for alarm in state.alarms if alarm.at > begin)


def cooldown_until(state: DriftState, policy: DriftPolicy) -> datetime | None:
    """Return when the next retraining may be caused at the earliest."""
    if not state.alarms:
        return None
    return state.alarms[-1].at + timedelta(seconds=policy.cooldown_seconds)


def _is_enough(evidence: Evidence, policy: DriftPolicy) -> bool:
    return evidence.drifted and evidence.rows >= policy.min_rows


def _unconfirmed(
    state: DriftState, reference: Reference, policy: DriftPolicy, alarm: Alarm, now: datetime
) -> Judgement | None:
    """Return the judgement of a suspicion that lacks something; None when it is confirmed."""
    suspicion = state.suspicion
    if suspicion is None:
        return None
    confirmation = confirm(
        reference, suspicion, state.callers, policy.alpha, policy.days, policy.callers, now
    )
    if not confirmation.missing:
        return None
    reason = (
        f"{alarm.reason} Suspected on {suspicion.day}; a retraining needs {confirmation.missing}."
    )
    if not is_given_up(suspicion, policy.days, now):
        return Judgement(verdict=Verdict.SUSPECTED, reason=reason)
    return Judgement(
        verdict=Verdict.UNCONFIRMED,
        reason=f"{reason} Later requests did not show it, and the test begins again. Find the "
        "client that sends unusual requests.",
    )


def _alarm(
    state: DriftState, evidence: Evidence, watched: Watched, newest_dataset: str, now: datetime
) -> Alarm:
    first = evidence.columns[0]
    # One test raises one alarm: its champion and its beginning name it.
    report_id = f"{watched.digest.removeprefix('sha256:')[:12]}-{state.since:%Y%m%dT%H%M%S%f}"
    event = DriftDetected(model=watched.model, report_id=report_id, reason="")
    texts = describe_evidence(evidence.columns, evidence.e_value, evidence.threshold)
    return Alarm(
        report_id=report_id,
        run_id=run_id(watched.model, claim_key(event, watched.model)),
        version=watched.version,
        champion_run=watched.run_id,
        causes=strong_causes(evidence),
        dataset_version=newest_dataset,
        reason=(
            f"Drift after {evidence.rows} rows: {first.name} went {first.direction}, e-value "
            f"{texts.columns[0]}; all columns {texts.e_value}, {texts.threshold} needed."
        ),
        at=now,
    )


def _is_fed_by_itself(reference: Reference) -> bool:
    return reference.seen >= SEEN_ROWS and reference.echoed >= ECHO_SHARE * reference.seen


def _repeats(alarm: Alarm, champion_run: str, recent: tuple[Alarm, ...]) -> int:
    """Return how often in a row this drift led to the retraining whose model drifts again."""
    count, run = 0, champion_run
    for earlier in reversed(recent):
        if earlier.run_id == run and set(earlier.causes) & set(alarm.causes):
            count, run = count + 1, earlier.champion_run
    return count
