"""The model card of a version: Markdown from the records of the app, and from nothing else.

The sections are those of Mitchell et al., "Model Cards for Model Reporting", Conference on
Fairness, Accountability, and Transparency (2019), section 4. The app has no records of the purpose
of a model and of ethical considerations; the card says so.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

from function_app.domain.data_quality import Prepared
from function_app.domain.gates import Comparison, Figures, GatePolicy, GateResult, Slice
from function_app.domain.gating.budgets import Cost, check_budgets
from function_app.domain.gating.findings import Finding
from function_app.domain.gating.judging_rows import describe_rows
from function_app.domain.gating.monotone import check_monotone
from function_app.domain.gating.own_metric import describe_metric
from function_app.domain.gating.sanity import check_model, compare_tails
from function_app.domain.gating.slices import LEAST_ROWS
from function_app.domain.gating.spending import spent_until
from function_app.domain.lineage.chain import Known, Link, chain
from function_app.domain.text.figures import figure, figures, percent
from function_app.domain.text.markdown import plain, table
from function_app.domain.text.redaction import redact
from function_app.domain.training import champion_of

# More rows of a table, or columns of a file, are counted only.
MOST_SHOWN = 60
_SOURCE = (
    'Sections: Mitchell et al., "Model Cards for Model Reporting", FAT* 2019, '
    "https://doi.org/10.1145/3287560.3287596."
)
# Limits that only one metric has.
_OF_METRIC = {"quantile": "pinball", "beta": "f_beta"}
# The figures of both models (platform_jobs/judging/sanity.py), in words.
_FIGURES = {
    "skill": "gain over the best constant prediction",
    "skill_low": "lower bound of this gain (99 %)",
    "bias": "bias",
    "slope": "change of the true value for each 1 of the prediction",
    "rms": "root of the mean squared error",
    "tail": "95 % quantile of the absolute errors",
    "largest": "largest absolute error",
    "lowest": "least prediction",
    "highest": "greatest prediction",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """The records of a version's judgement, None for each that is unknown.

    `evaluation_id` is the evaluation that the card is about, "" when unknown. `policy` has the
    limits by which it was judged. `prepared` is the result of the preparation of its data; `target`
    is the column that it predicts, "" when unknown.
    """

    evaluation_id: str = ""
    comparison: Comparison | None = None
    verdict: GateResult | None = None
    policy: GatePolicy | None = None
    prepared: Prepared | None = None
    target: str = ""


def model_card(known: Known, judgement: Judgement) -> str:
    """Return the card of a version; the same records give the same text."""
    links = {link["link"]: link for link in chain(known)}
    version = known.version
    lines = [
        f"# Model card: {plain(version.model)}, version {plain(version.version)}",
        "",
        f"The platform wrote this card from its records; no person edited it. {_SOURCE}",
        *_details(links),
        *_use(judgement),
        *_factors(judgement),
        *_metrics(known, judgement),
        *_evaluation_data(judgement),
        *_training_data(links, judgement.prepared),
        *_analyses(known, judgement),
        *_section("Ethical considerations"),
        "The app has no records of ethical considerations. The person who releases the version "
        "must know them.",
        *_caveats(known, links, judgement),
    ]
    # An address of data may have a signature, and a champion's fault any text.
    return redact("\n".join(lines) + "\n")


def _section(title: str) -> tuple[str, str, str]:
    return ("", f"## {title}", "")


def _details(links: dict[str, Link]) -> Iterator[str]:
    model, commit, run, lock = (links[name] for name in ("model", "commit", "run", "lock"))
    yield from _section("Model details")
    yield from table(
        ("fact", "value"),
        [
            ("digest of the model folder", model["digest"]),
            ("registered", model["at"].isoformat() if model["at"] else ""),
            ("commit", commit["id"]),
            ("digest of the code", commit["digest"]),
            *commit["facts"].items(),
            ("run of the training", run["id"]),
            ("training began", run["at"].isoformat() if run["at"] else ""),
            ("lock of the packages", lock["digest"]),
            *lock["facts"].items(),
        ],
    )
    yield from ("", "Parameters, those that the training reported itself as `reported`:", "")
    yield from table(("parameter", "value"), [*links["parameters"]["facts"].items()], MOST_SHOWN)


def _use(judgement: Judgement) -> Iterator[str]:
    yield from _section("Intended use")
    if judgement.target:
        yield f"The version predicts the column {plain(judgement.target)} of its data."
    yield (
        "The app has no record of the purpose, of the users, and of uses that are out of scope. "
        "The person who releases the version must know them."
    )


def _factors(judgement: Judgement) -> Iterator[str]:
    yield from _section("Factors")
    slices = judgement.policy.slices if judgement.policy else ()
    if slices:
        names = ", ".join(plain(name) for name in slices)
        yield f"The gate compares the models in groups of rows by these columns: {names}."
    elif judgement.policy is None:
        yield "The groups of rows by which the models were compared are not recorded."
    else:
        yield "mlops.toml names no `slices`: no group of rows was compared on its own."


def _metrics(known: Known, judgement: Judgement) -> Iterator[str]:
    yield from _section("Metrics")
    policy, compared = judgement.policy, judgement.comparison
    if policy is None:
        yield "The policy by which the version was judged is not recorded."
        return
    yield f"The loss is {plain(policy.loss)}; a smaller one is better. Limits of the policy:"
    yield ""
    code, champion = known.version.code, champion_of(known.version.evaluation_id)
    unused = {name for name, metric in _OF_METRIC.items() if metric != policy.metric}
    if not (policy.increasing or policy.decreasing):
        unused.add("monotone_tolerance")
    if not policy.direction:
        unused.add("direction")
    limits = {n.name: getattr(policy, n.name) for n in fields(policy) if n.name not in unused}
    # A limit that sets nothing has the value 0 or ().
    shown = [(name, _value(value)) for name, value in limits.items() if value not in (0, ())]
    yield from table(("limit", "value"), shown)
    own = compared.metric if compared else None
    if said := describe_metric(own, code.commit if code else "", compared=bool(champion)):
        yield from ("", *said)


def _evaluation_data(judgement: Judgement) -> Iterator[str]:
    yield from _section("Evaluation data")
    compared = judgement.comparison
    if compared is None:
        yield "The comparison of this version is not recorded."
        return
    held_out = " The platform held them out: no training read them." if compared.folds == 1 else ""
    yield f"{compared.rows} rows judged.{held_out}"
    yield from describe_rows(compared.left_out, compared.recalled, compared.known, compared.folds)
    if compared.lowest <= compared.highest:  # NaN, without a range, compares as false
        low, high = figures(compared.lowest, compared.highest)
        yield f"The true values are from {low} to {high}."


def _training_data(links: dict[str, Link], prepared: Prepared | None) -> Iterator[str]:
    data, event = links["data"], links["event"]
    profile = prepared.profile if prepared else None
    check = prepared.check if prepared else None
    yield from _section("Training data")
    yield from table(
        ("fact", "value"),
        [
            ("data version (SHA-256 of the file)", data["digest"]),
            *data["facts"].items(),
            ("event", event["facts"].get("type")),
            ("the event arrived", event["at"].isoformat() if event["at"] else ""),
            ("rows", profile and profile.rows),
            ("columns", profile and len(profile.columns)),
            ("rows that the training read", prepared and prepared.seen),
            ("rows that judge", prepared and prepared.held_out),
            ("rows that another row equals", prepared and prepared.repeated),
            ("rows compared with earlier data", check and check.rows),
            ("rows of the earlier data", check and check.reference_rows),
        ],
    )
    if profile:
        names = [plain(column.name) for column in profile.columns[:MOST_SHOWN]]
        more = len(profile.columns) - len(names)
        yield ""
        yield f"Columns: {', '.join(names)}{f' and {more} more' if more else ''}."
    if findings := check.findings if check else ():
        yield from ("", "Findings of the data check:", "")
        yield from _listed([f"{one.severity}: {one.text}" for one in findings])


def _analyses(known: Known, judgement: Judgement) -> Iterator[str]:
    yield from _section("Quantitative analyses")
    compared, verdict = judgement.comparison, judgement.verdict
    metrics = [(name, figure(value)) for name, value in sorted(known.version.metrics.items())]
    yield from ("Figures of the version on the held-out rows:", "")
    yield from table(("metric", "value"), metrics, MOST_SHOWN)
    if compared is not None:
        yield from ("", "The plots of these figures lie beside this card in the evidence.")
    if verdict is not None and verdict.verdict is not None:
        yield from ("", f"Verdict of the gate: {verdict.verdict}. The reasons:", "")
        yield from _listed(verdict.reasons)
    if compared is None:
        return
    yield from _both(judgement.evaluation_id, compared)
    if compared.gain is not None:
        yield from _interval(compared, judgement.policy)
    if judgement.policy is not None:
        yield from ("", "Rules beside the loss:", "")
        yield from table(("rule", "result"), list(_rules(compared, judgement.policy)))
    if compared.slices:
        yield from ("", "Groups of rows, the loss of each model, and the tolerated excess:", "")
        head = ("group", "rows", "this version", "champion", "tolerance", "result")
        yield from table(head, list(map(_slice, compared.slices)), MOST_SHOWN)
    if compared.monotone:
        yield from ("", "Predictions that move against the declared direction of a feature:", "")
        yield from table(
            ("feature", "direction", "rows", "broken", "largest move", "allowed"),
            [
                (
                    *(one.feature, one.direction, one.rows, one.broken),
                    *figures(one.largest, one.limit),
                )
                for one in compared.monotone
            ],
            MOST_SHOWN,
        )


def _both(evaluation_id: str, compared: Comparison) -> Iterator[str]:
    """Yield the figures of both models on the same rows."""
    champion = champion_of(evaluation_id)
    ours, theirs = compared.challenger or Figures(), compared.champion or Figures()
    own, other = compared.challenger_cost, compared.champion_cost
    yield from ("", "Both models on the same rows:", "")
    yield from table(
        ("figure", "this version", f"champion, version {champion}" if champion else "no champion"),
        [
            row
            for row in (
                ("loss", compared.challenger_loss, compared.champion_loss),
                *((text, getattr(ours, n), getattr(theirs, n)) for n, text in _FIGURES.items()),
                ("bytes of the model folder", own and own.size_bytes, other and other.size_bytes),
                (
                    "ms that predict takes longer for 1,000 rows than for 1 row",
                    own and own.milliseconds,
                    other and other.milliseconds,
                ),
            )
            if row[1] is not None or row[2] is not None
        ],
    )


def _interval(compared: Comparison, policy: GatePolicy | None) -> Iterator[str]:
    """Yield the gain over the champion with its bounds, and the error that was spent."""
    gain, low, high, level = (
        *(compared.gain, compared.gain_low, compared.gain_high),
        compared.level,
    )
    assert gain is not None
    yield ""
    if low is None or high is None or level is None:
        yield f"Gain in the loss over the champion: {figure(gain)}; too few rows for an interval."
    else:
        middle, least, most = figures(gain, low, high)
        confidence = percent(1.0 - level)
        yield (
            f"Gain in the loss over the champion: {middle}, between {least} and {most}, each bound "
            f"at {confidence} confidence."
        )
    if compared.p_value is not None:
        p_value = figure(compared.p_value)
        yield f"The p-value of a gain that is not above the needed one is {p_value}."
    if compared.look and policy is not None and level is not None:
        budget = 1.0 - policy.confidence
        spent, whole = figures(budget * spent_until(compared.look), budget)
        yield (
            f"This was comparison {compared.look} of the model, at the level {figure(level)}. All "
            f"comparisons until then have spent {spent} of the model's error of {whole}."
        )


def _rules(compared: Comparison, policy: GatePolicy) -> Iterator[tuple[str, str]]:
    """Yield the result of each rule that does not compare losses."""
    ours, theirs = compared.challenger, compared.champion
    counts = compared.champion_loss is not None and not compared.champion_fault
    if ours is None:
        yield ("a right model (bias, slope, range, a constant)", "not measured")
    else:
        broken = check_model(ours, compared.lowest, compared.highest)
        yield ("a right model (bias, slope, range, a constant)", _kept(broken))
    if ours is not None and theirs is not None and counts and ours.tail is not None:
        broken = compare_tails(ours, theirs, max(0.0, -policy.margin))
        yield ("largest errors against the champion's", _kept(broken))
    if policy.budgets.of_size or policy.budgets.of_time:
        champion = (compared.champion_cost or Cost()) if counts else None
        broken = check_budgets(compared.challenger_cost or Cost(), champion, policy.budgets)
        yield ("budgets of size and time", _kept(broken))
    else:
        yield ("budgets of size and time", "none set")
    if policy.increasing or policy.decreasing:
        broken = check_monotone(compared.monotone, policy.increasing, policy.decreasing)
        yield ("features with which predictions rise or fall", _kept(broken))
    else:
        yield ("features with which predictions rise or fall", "none declared")


def _kept(findings: Iterator[Finding]) -> str:
    return " ".join(f"{one.verdict}: {one.reason}" for one in findings) or "kept"


def _slice(one: Slice) -> tuple[object, ...]:
    """Return the row of a group: its losses, and whether it is shown not to be worse."""
    ours, theirs = figures(one.challenger_loss, one.champion_loss)
    if one.rows < LEAST_ROWS or one.reserve_low is None or one.reserve_high is None:
        result = f"too few rows, {LEAST_ROWS} are needed"
    elif one.reserve_low > 0.0:
        result = "shown not to be worse"
    else:
        result = "shown to be worse" if one.reserve_high < 0.0 else "not shown"
    return (one.name, one.rows, ours, theirs, percent(one.tolerance), result)


def _caveats(known: Known, links: dict[str, Link], judgement: Judgement) -> Iterator[str]:
    yield from _section("Caveats and recommendations")
    compared = judgement.comparison
    gaps = [link["missing"] for link in links.values() if link["missing"]]
    if compared and compared.champion_fault:
        gaps.append(f"The champion counted as none: {compared.champion_fault}")
    elif champion := champion_of(judgement.evaluation_id):
        gaps.append(
            f"The version was compared with version {champion} {_moment(known, judgement)}; "
            "production may serve another one now."
        )
    elif compared is None:
        gaps.append("The comparison of the version with a champion is not recorded.")
    else:
        gaps.append(
            f"The version was compared with no champion {_moment(known, judgement)}; only the bar "
            "judged its loss."
        )
    if judgement.prepared is None:
        gaps.append("The number of rows of its data is not recorded.")
    gaps.append(
        "The period that the rows cover is not recorded; only the arrival of the file is known."
    )
    yield from _listed(tuple(dict.fromkeys(gaps)))


def _moment(known: Known, judgement: Judgement) -> str:
    """Return the words for the time of a judgement: before or after the registration."""
    if judgement.evaluation_id in ("", known.version.evaluation_id):
        return "before its registration"
    return f"after its registration, by {plain(judgement.evaluation_id)}, when production changed"


def _listed(texts: Sequence[str]) -> Iterator[str]:
    for text in texts[:MOST_SHOWN]:
        yield f"- {plain(text)}"
    if len(texts) > MOST_SHOWN:
        yield f"- {len(texts) - MOST_SHOWN} more"


def _value(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return figure(value) if isinstance(value, float) else str(value)
