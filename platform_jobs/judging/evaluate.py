"""Lets challenger and champion answer the same held-out rows, and computes every figure."""

import json
import math
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from platform_jobs.errors import AnswerError, ChangedError, ContractError
from platform_jobs.files import check_plain, folder_digest, write_json
from platform_jobs.judging.comparison import BETA, LEVEL, METRIC, QUANTILE, compare
from platform_jobs.judging.figures import regression_figures
from platform_jobs.judging.plots import PLOTS, write_plots
from platform_jobs.judging.slices import group_rows
from platform_jobs.models.asking import check_digest, check_written, read_answers
from platform_jobs.models.model_types import TRUSTED_TYPES, needed_types
from platform_jobs.models.models import Project
from platform_jobs.prepare import ROWS, SCHEMA
from platform_jobs.scratch import scratch_folder
from platform_jobs.tables.tables import Table, read_table, write_table

EVALUATION, PREDICTIONS, METRICS = "evaluation.json", "predictions.json", "metrics.json"
COMPARISON = "comparison.json"
GOLDEN, MODEL_SCHEMA = "golden.json", "model_schema.json"
GOLDEN_ROWS = 5


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
    """Rows that no training saw: the features as text, and the true targets."""

    features: Table
    target: str
    actual: tuple[float, ...]


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

    def asked(contender: Contender) -> list[float]:
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

    def champion() -> list[float]:
        assert champion_answers is not None
        return read_answers(champion_answers, count, "The champion", champion_key)

    return _judge(
        rows,
        model,
        "The challenger",
        trusted_types,
        lambda: read_answers(answers, count, "The challenger", key),
        champion if champion_answers else None,
        out,
        rules or ComparisonRules(),
    )


def _judge(
    rows: HeldOut,
    model: Path,
    name: str,
    trusted_types: Collection[str],
    challenger: Callable[[], list[float]],
    champion: Callable[[], list[float]] | None,
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
        answers: dict[str, Any] = {"actual": list(rows.actual), "predicted": challenger()}
    except ChangedError:
        raise
    except ContractError as error:
        return refuse(str(error))
    champion_fault = ""
    if champion is not None:
        try:
            answers["champion"] = champion()
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
    actual = tuple(_target(row[place], target) for row in table.rows)
    return HeldOut(features=features, target=target, actual=actual)


def _target(text: str, target: str) -> float:
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
        remedy = "Remove such rows, or encode the labels as numbers, such as 0 and 1."
        raise ContractError(f"The target {target} {seen}. {remedy}")
    return value


def _ask(contender: Contender, rows: HeldOut, out: Path) -> list[float]:
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
        return contender.project.predict(contender.model.resolve(), data, count, answer)


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
    write_json(out / METRICS, regression_figures(answers["actual"], answers["predicted"]))
    write_plots(out / PLOTS, answers["actual"], answers["predicted"])
    schema = {"features": list(rows.features.columns), "target": rows.target}
    write_json(out / MODEL_SCHEMA, schema)
    golden = {
        "data": [[_value(cell) for cell in row] for row in rows.features.rows[:GOLDEN_ROWS]],
        "result": answers["predicted"][:GOLDEN_ROWS],
    }
    write_json(out / GOLDEN, golden)


def _value(cell: str) -> float | str:
    """Return the cell as a request to the service holds it: a number where it is one."""
    try:
        value = float(cell)
    except ValueError:
        return cell
    return value if math.isfinite(value) else cell
