"""Lets challenger and champion answer the same held-out rows, and computes every figure."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from platform_jobs.errors import AnswerError, ChangedError, ContractError
from platform_jobs.files import check_plain, folder_digest, write_json
from platform_jobs.judging.comparison import ComparisonRules, call_metric, compare_by
from platform_jobs.judging.multiclass.losses import metric_of_target
from platform_jobs.judging.plots import PLOTS
from platform_jobs.judging.results import (
    MODEL_SCHEMA,
    check_schema,
    figures_of,
    golden_rows,
    plot_answers,
)
from platform_jobs.judging.slices import group_rows
from platform_jobs.models.answers import Answers, distance
from platform_jobs.models.asking import check_digest, check_written, read_answers
from platform_jobs.models.model_types import TRUSTED_TYPES, needed_types
from platform_jobs.models.models import Project
from platform_jobs.own_metric.function import is_function
from platform_jobs.own_metric.measure import OwnFunction, function_of
from platform_jobs.probing.costs import cost_figures
from platform_jobs.probing.monotone import monotone_figures
from platform_jobs.probing.probes import NONE, Probes, probe
from platform_jobs.scratch import scratch_folder
from platform_jobs.splitting.cross_fitting import cross_fit, read_cross_fitted
from platform_jobs.splitting.held_out import HeldOut, read_held_out
from platform_jobs.splitting.unseen import (
    CLASSES,
    PREDICTIONS,
    Judging,
    Memory,
    choose,
    recall,
    remember,
)
from platform_jobs.tables.tables import Table, write_table
from platform_jobs.tables.words import TEXT_KINDS

EVALUATION, METRICS = "evaluation.json", "metrics.json"
COMPARISON = "comparison.json"
GOLDEN = "golden.json"


class ChampionError(RuntimeError):
    """The champion cannot answer: this is no verdict on the challenger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """A trained model: its project, its model folder, and the folder's digest, "" for any.

    `evaluation` is the folder of the evaluation that judged a champion, None when it is gone.
    """

    project: Project
    model: Path
    digest: str = ""
    evaluation: Path | None = None


def evaluate(
    held_out: Path,
    challenger: Contender,
    champion: Contender | None,
    out: Path,
    rules: ComparisonRules | None = None,
    trusted_types: Collection[str] = (),
    *,
    seen: Path | None = None,
    probes: Probes = NONE,
) -> dict[str, Any]:
    """Write the models' answers and the figures below `out`; return evaluation.json's content.

    When the rows were prepared with folds, `seen` is the folder with the rows of each training.
    `probes` are further measurements of both models.

    A challenger that breaks the contract is a result: `refused` says how. ChampionError when the
    champion does, and KilledError when a signal ended a command: neither is a verdict.
    """
    rows, rules = read_held_out(held_out), rules or ComparisonRules()
    own: OwnFunction | None = None
    if is_function(rules.metric):
        own = function_of(
            challenger.project,
            champion.project if champion else None,
            rules.metric,
            rules.direction,
            out.resolve(),
        )

    def asked(contender: Contender) -> Answers:
        own = probes if contender is challenger else probes.of_champion()
        return _ask(contender, rows, out, own)

    def cross_fitted() -> Answers:
        if seen is None:
            raise ContractError("The rows were prepared with folds. Give the rows of each: --seen.")
        return cross_fit(challenger.project, seen, rows, out)

    return _judge(
        _Task(
            held_out=held_out,
            rows=rows,
            model=challenger.model,
            name=challenger.project.name,
            trusted_types=trusted_types,
            rules=rules,
            probes=probes,
            own=own,
        ),
        lambda: _with_folds(rows, lambda: asked(challenger), cross_fitted),
        (lambda: asked(champion)) if champion else None,
        champion.evaluation if champion else None,
        out,
    )


def judge(
    held_out: Path,
    model: Path,
    answers: Path,
    champion_answers: Path | None,
    out: Path,
    rules: ComparisonRules | None = None,
    trusted_types: Collection[str] = (),
    *,
    key: str = "",
    champion_key: str = "",
    champion_evaluation: Path | None = None,
    fold_answers: Sequence[Path] = (),
    fold_keys: Sequence[str] = (),
    probes: Probes = NONE,
    own: OwnFunction | None = None,
) -> dict[str, Any]:
    """Write the same as `evaluate` from answers that separate jobs wrote; no model is loaded here.

    `champion_evaluation` is the folder of the evaluation that judged the champion. `key` and
    `champion_key` are those with which the answers were sealed, "" for no seal; `fold_answers` and
    `fold_keys` have the same for the model of each fold. `probes` are the measurements that the
    jobs made, `own` the metric of the model's code that a job called. ChangedError when other
    code wrote the challenger's answers.
    """
    rows = read_held_out(held_out)
    count = len(rows.actual)
    varied = len(probes.rows(rows.features).rows)

    def champion() -> Answers:
        assert champion_answers is not None
        return read_answers(champion_answers, count, "The champion", champion_key, rows.labels)

    return _judge(
        _Task(
            held_out=held_out,
            rows=rows,
            model=model,
            name="The challenger",
            trusted_types=trusted_types,
            rules=rules or ComparisonRules(),
            probes=probes,
            own=own,
        ),
        lambda: _with_folds(
            rows,
            lambda: read_answers(answers, count, "The challenger", key, rows.labels, varied),
            lambda: read_cross_fitted(fold_answers, fold_keys, rows),
        ),
        champion if champion_answers else None,
        champion_evaluation,
        out,
    )


def _with_folds(
    rows: HeldOut, final: Callable[[], Answers], cross_fitted: Callable[[], Answers]
) -> tuple[Answers, Answers]:
    """Return the answers of the challenger that are judged, and those of its final model.

    With folds the final model was trained on the judging rows, so that the models of the folds are
    judged instead.
    """
    answers = final()
    return (answers if rows.fold_count == 1 else cross_fitted()), answers


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    """A model folder to judge, with its name in texts, by the rows of the folder `held_out`."""

    held_out: Path
    rows: HeldOut
    model: Path
    name: str
    trusted_types: Collection[str]
    rules: ComparisonRules
    probes: Probes
    own: OwnFunction | None = None


def _judge(
    task: _Task,
    challenger: Callable[[], tuple[Answers, Answers]],
    champion: Callable[[], Answers] | None,
    champion_evaluation: Path | None,
    out: Path,
) -> dict[str, Any]:
    """Write the evaluation below `out`; return its content.

    `challenger` and `champion` return answers, as `_with_folds` and `_ask` do.
    """
    digest, rows = "", task.rows
    try:
        check_plain(task.model)
        digest = folder_digest(task.model)
        types = needed_types(task.model, task.trusted_types)
        check_written(task.model, task.name)
        check_schema(task.model, rows.labels)
        judged, final = challenger()
    except ChangedError:
        raise
    except ContractError as error:
        return _refuse(out, digest, str(error))
    answers = _answers_of(rows, judged, final)
    measured = _measured(task, final)
    memory, champion_fault = Memory(), ""
    if champion is not None:
        memory, answered, champion_fault = _answers_of_champion(
            champion, champion_evaluation, rows.labels
        )
        if answered is not None:
            answers["champion"] = list(answered.predictions)
            measured["champion_cost"] = cost_figures(answered)
    if folder_digest(task.model) != digest:
        reason = f"{task.name}: predict changed its model folder. It may write --out only."
        return _refuse(out, digest, reason)
    if types is not None:
        write_json(out / TRUSTED_TYPES, types)
    _write(out, task, answers, judged, final, memory, champion_fault, measured)
    remember(task.held_out, rows.hashes, out)
    content: dict[str, Any] = {"refused": "", "digest": digest}
    if types is not None:
        content["types"] = types
    if "champion" in answers:
        pairs = zip(final.predictions, answers["champion"], strict=True)
        content["largest_difference"] = max(distance(ours, theirs) for ours, theirs in pairs)
    # Written last, so that a reader who finds this file finds the others too.
    write_json(out / EVALUATION, content)
    return content


def _refuse(out: Path, digest: str, reason: str) -> dict[str, Any]:
    """Write an evaluation without figures; return its content."""
    content = {"refused": reason, "digest": digest}
    write_json(out / EVALUATION, content)
    return content


def _answers_of(rows: HeldOut, judged: Answers, final: Answers) -> dict[str, Any]:
    """Return the content of predictions.json for a challenger."""
    answers: dict[str, Any] = {"actual": list(rows.actual), "predicted": list(judged.predictions)}
    if judged.labels:
        answers |= {"labels": list(judged.labels), CLASSES: list(rows.labels)}
    if final is not judged:
        answers["final"] = list(final.predictions)
    return answers


def _measured(task: _Task, final: Answers) -> dict[str, object]:
    """Return the measurements of the challenger's final model, by their names in the comparison."""
    measured: dict[str, object] = {"challenger_cost": cost_figures(final)}
    probes, actual = task.probes, task.rows.actual
    if probes.directions:
        # The numbers of more than two labels are no probabilities.
        width = 1.0 if final.probabilities else max(actual) - min(actual)
        limit = probes.tolerance * width
        measured["monotone"] = monotone_figures(
            task.rows.features, probes.directions, final.varied, limit
        )
    return measured


def _answers_of_champion(
    champion: Callable[[], Answers], evaluation: Path | None, labels: Sequence[str]
) -> tuple[Memory, Answers | None, str]:
    """Return the champion's memory, its answers and the reason that these cannot be compared.

    The answers are None when there is such a reason. ChampionError when the champion cannot answer.
    """
    memory = Memory()
    try:
        memory = recall(evaluation, labels)
        return memory, champion(), ""
    except ChangedError as error:
        raise ChampionError(f"{error} The challenger cannot be compared.") from error
    except AnswerError as error:
        # No challenger could ever replace it if this were no verdict.
        return memory, None, str(error).removeprefix("The champion: ")
    except ContractError as error:
        raise ChampionError(
            f"{error} The challenger cannot be compared. Roll back to a model that answers "
            "these rows, or bring data with the champion's columns."
        ) from error


def _ask(contender: Contender, rows: HeldOut, out: Path, probes: Probes) -> Answers:
    out.mkdir(parents=True, exist_ok=True)
    with scratch_folder(out.resolve()) as folder:
        if contender.digest:
            check_digest(contender.model, contender.digest, contender.project.name)
        # The model sees the folder of the features and writes into that of its answer.
        data, answer = folder / "asked" / "features.csv", folder / "said" / "answer.csv"
        data.parent.mkdir()
        answer.parent.mkdir()
        write_table(data, rows.features)
        count = len(rows.features.rows)
        model, project = contender.model.resolve(), contender.project
        answers = project.predict(model, data, count, answer, rows.labels)
        return probe(project, probes, model, rows.features, rows.labels, answers, out.resolve())


def _write(
    out: Path,
    task: _Task,
    answers: dict[str, Any],
    judged: Answers,
    final: Answers,
    memory: Memory,
    champion_fault: str,
    measured: Mapping[str, object],
) -> None:
    rows = task.rows
    write_json(out / PREDICTIONS, answers)
    comparison = _compare(task, answers, memory)
    comparison |= {name: figures for name, figures in measured.items() if figures}
    if champion_fault:
        comparison["champion_fault"] = champion_fault
    write_json(out / COMPARISON, comparison)
    write_json(out / METRICS, figures_of(rows.actual, judged, rows.labels))
    plot_answers(out / PLOTS, rows.actual, judged, rows.labels)
    schema: dict[str, object] = {"features": list(rows.features.columns), "target": rows.target}
    if rows.labels:
        schema["labels"] = list(rows.labels)
    if words := {name: kind for name, kind in rows.kinds.items() if kind in TEXT_KINDS}:
        schema["kinds"] = words
    write_json(out / MODEL_SCHEMA, schema)
    # The smoke test asks the final model.
    golden = golden_rows(rows.features, rows.kinds, rows.labels, final)
    write_json(out / GOLDEN, golden)


def _compare(task: _Task, answers: dict[str, Any], memory: Memory) -> dict[str, Any]:
    """Return the comparison on the rows that neither model was trained on."""
    rows, rules = task.rows, task.rules
    actual, predicted, features = answers["actual"], answers["predicted"], rows.features
    judging: Judging | None = None
    if "champion" in answers:
        judging = choose(rows.hashes, memory, answers["champion"])
        if not judging.indices:
            return {"refused": "", "rows": 0, "folds": rows.fold_count, **judging.figures()}
        actual = [actual[index] for index in judging.indices]
        predicted = [predicted[index] for index in judging.indices]
        judged = tuple(features.rows[index] for index in judging.indices)
        features = Table(columns=features.columns, rows=judged)
    champion = judging.champion if judging else None
    if task.own is None:
        metric = metric_of_target(rules.metric, rules.quantile, rules.beta, len(rows.labels))
    else:
        given = [predicted, *([] if champion is None else [champion])]
        try:
            metric = call_metric(task.own, actual, given, len(rows.labels))
        except ContractError as error:
            return {"refused": str(error), "rows": len(actual), "metric": task.own.record()}
    comparison = compare_by(
        metric,
        actual,
        predicted,
        champion,
        level=rules.level,
        look=rules.look,
        needed_share=rules.needed_share,
        groups=group_rows(features, rules.slices),
    )
    counts = judging.figures() if judging else {}
    if task.own is not None:
        comparison["metric"] = task.own.record()
    return {**comparison, "folds": rows.fold_count, **counts}
