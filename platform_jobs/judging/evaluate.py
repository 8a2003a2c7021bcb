"""Lets challenger and champion answer the same held-out rows, and computes every figure."""

import json
import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from platform_jobs.errors import AnswerError, ChangedError, ContractError
from platform_jobs.files import check_plain, folder_digest, write_json
from platform_jobs.judging.comparison import BETA, LEVEL, METRIC, QUANTILE, compare
from platform_jobs.judging.plots import PLOTS, write_plots
from platform_jobs.judging.results import MODEL_SCHEMA, check_schema, figures_of, golden_rows
from platform_jobs.judging.slices import group_rows
from platform_jobs.models.answers import Answers
from platform_jobs.models.asking import check_digest, check_written, read_answers
from platform_jobs.models.model_types import TRUSTED_TYPES, needed_types
from platform_jobs.models.models import Project
from platform_jobs.prepare import ROWS, SCHEMA
from platform_jobs.scratch import scratch_folder
from platform_jobs.tables.tables import Table, read_table, write_table
from platform_jobs.tables.words import CATEGORY, TEXT, read_label

EVALUATION, PREDICTIONS, METRICS = "evaluation.json", "predictions.json", "metrics.json"
COMPARISON = "comparison.json"
GOLDEN = "golden.json"


class ChampionError(RuntimeError):
    """The champion cannot answer: this is no verdict on the challenger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """A trained model: its project, its model folder, and the folder's digest, "" for any."""

    project: Project
    model: Path
    digest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOut:
    """Rows that no training saw: the features as text, and the true targets.

    `kinds` has the kind of each column, {} when all are numbers. A target with `labels` is 1 where
    the last of them is true, else 0.
    """

    features: Table
    target: str
    actual: tuple[float, ...]
    kinds: Mapping[str, str] = field(default_factory=dict)
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonRules:
    """The rules of a comparison: its level, its number among the model's comparisons, its metric.

    `slices` are the columns by whose values the rows are compared once more in groups.
    """

    level: float = LEVEL
    look: int = 0
    metric: str = METRIC
    quantile: float = QUANTILE
    beta: float = BETA
    slices: tuple[str, ...] = ()


def evaluate(
    held_out: Path,
    challenger: Contender,
    champion: Contender | None,
    out: Path,
    rules: ComparisonRules | None = None,
    trusted_types: Collection[str] = (),
) -> dict[str, Any]:
    """Write the models' answers and the figures below `out`; return evaluation.json's content.

    A challenger that breaks the contract is a result: `refused` says how. ChampionError when the
    champion does, and KilledError when a signal ended a command: neither is a verdict.
    """
    rows = read_held_out(held_out)

    def asked(contender: Contender) -> Answers:
        return _ask(contender, rows, out)

    name, model = challenger.project.name, challenger.model
    return _judge(
        rows,
        model,
        name,
        trusted_types,
        lambda: asked(challenger),
        (lambda: asked(champion)) if champion else None,
        out,
        rules or ComparisonRules(),
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
) -> dict[str, Any]:
    """Do the same as `evaluate` with answers that separate jobs wrote; no model is loaded here.

    `key` and `champion_key` are those with which the answers were sealed, "" for no seal.
    ChangedError when other code wrote the challenger's answers.
    """
    rows = read_held_out(held_out)
    count = len(rows.actual)

    def champion() -> Answers:
        assert champion_answers is not None
        return read_answers(champion_answers, count, "The champion", champion_key, rows.labels)

    return _judge(
        rows,
        model,
        "The challenger",
        trusted_types,
        lambda: read_answers(answers, count, "The challenger", key, rows.labels),
        champion if champion_answers else None,
        out,
        rules or ComparisonRules(),
    )


def _judge(
    rows: HeldOut,
    model: Path,
    name: str,
    trusted_types: Collection[str],
    challenger: Callable[[], Answers],
    champion: Callable[[], Answers] | None,
    out: Path,
    rules: ComparisonRules,
) -> dict[str, Any]:
    digest = ""

    def refuse(reason: str) -> dict[str, Any]:
        content = {"refused": reason, "digest": digest}
        write_json(out / EVALUATION, content)
        return content

    try:
        check_plain(model)
        digest = folder_digest(model)
        types = needed_types(model, trusted_types)
        check_written(model, name)
        check_schema(model, rows.labels)
        given = challenger()
        answers: dict[str, Any] = {"actual": list(rows.actual), "predicted": list(given.numbers)}
        if given.labels:
            answers["labels"] = list(given.labels)
    except ChangedError:
        raise
    except ContractError as error:
        return refuse(str(error))
    champion_fault = ""
    if champion is not None:
        try:
            answers["champion"] = list(champion().numbers)
        except ChangedError as error:
            raise ChampionError(f"{error} The challenger cannot be compared.") from error
        except AnswerError as error:
            # No challenger could ever replace it if this were no verdict.
            champion_fault = str(error).removeprefix("The champion: ")
        except ContractError as error:
            raise ChampionError(
                f"{error} The challenger cannot be compared. Roll back to a model that answers "
                "these rows, or bring data with the champion's columns."
            ) from error
    if folder_digest(model) != digest:
        return refuse(f"{name}: predict changed its model folder. It may write --out only.")
    if types is not None:
        write_json(out / TRUSTED_TYPES, types)
    _write(out, rows, answers, rules, champion_fault)
    content: dict[str, Any] = {"refused": "", "digest": digest}
    if types is not None:
        content["types"] = types
    if "champion" in answers:
        pairs = zip(answers["predicted"], answers["champion"], strict=True)
        content["largest_difference"] = max(abs(ours - theirs) for ours, theirs in pairs)
    # Written last, so that a reader who finds this file finds the others too.
    write_json(out / EVALUATION, content)
    return content


def read_held_out(folder: Path) -> HeldOut:
    """Return the rows of a folder of `prepare`; ContractError when they cannot judge."""
    schema = json.loads((folder / SCHEMA).read_text(encoding="utf-8"))
    table, target = read_table(folder / ROWS), str(schema["target"])
    if not table.rows:
        raise ContractError("There are no held-out rows to judge by. Send more rows.")
    place = table.columns.index(target)
    others = [number for number in range(len(table.columns)) if number != place]
    features = Table(
        columns=tuple(table.columns[number] for number in others),
        rows=tuple(tuple(row[number] for number in others) for row in table.rows),
    )
    labels = tuple(schema.get("labels", ()))
    actual = tuple(_target(row[place], target, labels) for row in table.rows)
    return HeldOut(
        features=features,
        target=target,
        actual=actual,
        kinds=schema.get("kinds", {}),
        labels=labels,
    )


def _target(text: str, target: str, labels: tuple[str, ...]) -> float:
    """Return a number, or with labels 1 for the last of them and 0 for another; ContractError."""
    if labels:
        if read_label(text) not in labels:
            raise ContractError(
                f"The target {target} has {text[:40]!r}, which is none of the labels "
                f"{', '.join(labels)[:200]}. Remove such rows, or correct `labels` in mlops.toml."
            )
        return float(read_label(text) == labels[-1])
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        seen = (
            f"has {text[:40]!r}, which is not a finite number"
            if text.strip()
            else "has an empty cell"
        )
        remedy = (
            "Remove such rows, or encode the labels as numbers, such as 0 and 1, or name them: "
            "`labels` of the model in mlops.toml."
        )
        raise ContractError(f"The target {target} {seen}. {remedy}")
    return value


def _ask(contender: Contender, rows: HeldOut, out: Path) -> Answers:
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
        model = contender.model.resolve()
        return contender.project.predict(model, data, count, answer, rows.labels)


def _write(
    out: Path,
    rows: HeldOut,
    answers: dict[str, Any],
    rules: ComparisonRules,
    champion_fault: str,
) -> None:
    write_json(out / PREDICTIONS, answers)
    comparison = compare(
        answers["actual"],
        answers["predicted"],
        answers.get("champion"),
        level=rules.level,
        look=rules.look,
        metric=rules.metric,
        quantile=rules.quantile,
        beta=rules.beta,
        groups=group_rows(rows.features, rules.slices),
    )
    if champion_fault:
        comparison["champion_fault"] = champion_fault
    write_json(out / COMPARISON, comparison)
    actual, predicted, chosen = answers["actual"], answers["predicted"], answers.get("labels", [])
    write_json(out / METRICS, figures_of(actual, predicted, chosen, rows.labels))
    write_plots(out / PLOTS, actual, predicted)
    schema: dict[str, object] = {"features": list(rows.features.columns), "target": rows.target}
    if rows.labels:
        schema["labels"] = list(rows.labels)
    if words := {name: kind for name, kind in rows.kinds.items() if kind in (CATEGORY, TEXT)}:
        schema["kinds"] = words
    write_json(out / MODEL_SCHEMA, schema)
    golden = golden_rows(rows.features, rows.kinds, rows.labels, predicted, chosen)
    write_json(out / GOLDEN, golden)
