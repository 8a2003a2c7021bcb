"""Facts of runs on both platforms: their records, and parameters and tags in MLflow."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from function_app.domain.codec import load
from function_app.domain.events.caller import caller_tags
from function_app.domain.gates import Comparison
from function_app.domain.lineage.environment import RunEnvironment, described
from function_app.domain.lineage.origin import VERDICT
from function_app.domain.training import Judged, Run, finite, finite_figures
from function_app.errors import NotFoundError

# The reports that a run of checks writes, beside no other file that may be read.
REPORTS = ("checks.json", "coverage.xml", "dry-run.log", "junit.xml", "lint.txt", "tests.log")
# The reports of the data check that a preparation writes.
DATA_REPORTS = ("report.html", "report.json", "drift.svg")
# The plots that an evaluation writes, in a folder of its own.
PLOTS = ("predicted.svg", "residuals.svg", "calibration.svg", "roc.svg", "confusion.svg")
PLOTS_FOLDER = "plots"
# A thief of a run's identity can write anything as a report, so that reads are limited.
MOST_REPORT_BYTES = 20 * 1024 * 1024
# Returns the JSON object of a file of an evaluation; NotFoundError when it cannot be read.
ReadRecord = Callable[[str], Mapping[str, Any]]
RUN_ID = "mlops.run_id"
# The key under which MLflow shows the commit of a run.
COMMIT = "mlflow.source.git.commit"
ENVIRONMENT = "mlops.environment."
EVIDENCE = "evidence"  # the folder with the files behind the evidence of a release
_COMPARISON = "comparison"
# Groups of rows in MLflow: one request takes a thousand figures.
MOST_GROUPS, _LONGEST_LABEL = 50, 100
_NO_NAME = re.compile(r"[^\w.\- ]+")
_LONGEST_OF_VERSION = 250  # characters of a tag's value of a version in Azure ML
_LONGEST = 5000  # characters of a tag's value, MLflow's own limit


def read_judged(run_id: str, read: ReadRecord) -> Judged:
    """Return the judgement of a completed evaluation of this id."""
    content = read("evaluation.json")
    return Judged(
        evaluation_id=run_id,
        digest=content["digest"],
        metrics=dict(read("metrics.json")),
        types=tuple(str(name) for name in content.get("types", ())),
        largest_difference=finite(content.get("largest_difference")),
    )


def read_comparison(run_id: str, read: ReadRecord) -> Comparison:
    """Return the comparison of a completed evaluation of this id, also of a refused one."""
    refused = read("evaluation.json").get("refused")
    if refused is None:
        raise NotFoundError(f"Run {run_id} has no readable evaluation. Read its log.")
    if refused:
        return Comparison(refused=str(refused))
    return load(Comparison, read("comparison.json"))


def parameters(run: Run) -> dict[str, str]:
    """Return model, versions of data and code, and the caller's run; absent values are left out."""
    facts = {"model": run.model, "dataset_version": run.dataset_version}
    facts["caller_run_id"] = run.tags.get("caller_run_id", "")
    if run.code is not None:
        facts["code_version"] = run.code.version
    return {name: value for name, value in facts.items() if value}


def version_tags(run: Run) -> dict[str, str]:
    """Return the tags of a version from its run: experiment, build, caller's run, and verdict."""
    facts = {**caller_tags(run.tags), "experiment": run.model}
    if verdict := run.tags.get(VERDICT):
        facts[VERDICT] = verdict[:_LONGEST_OF_VERSION]
    return facts


def comparison_figures(content: Mapping[str, object] | None) -> dict[str, float]:
    """Return the finite numbers of an evaluation's comparison of two models, by their names.

    The gain with its bounds is `comparison.gain_low`, a figure of the challenger alone
    `comparison.challenger.bias`, and one of a group of rows
    `comparison.slices.sex 1.champion_loss`. At most MOST_GROUPS groups count.
    """
    figures: dict[str, float] = {}
    for name, value in (content or {}).items():
        for inner_name, inner in _parts(value):
            for part, number in finite_figures(inner).items():
                steps = (_COMPARISON, name, inner_name, part)
                figures[".".join(step for step in steps if step)] = number
    return figures


def _parts(value: object) -> Iterator[tuple[str, Mapping[str, object]]]:
    """Yield the figures of a part of a comparison, those of a list by the name of each entry."""
    if not isinstance(value, list):
        yield "", value if isinstance(value, Mapping) else {"": value}
        return
    for entry in value[:MOST_GROUPS]:
        if isinstance(entry, Mapping):
            # MLflow refuses other characters, such as `=`, in the name of a metric.
            words = _NO_NAME.sub(" ", str(entry.get("name") or entry.get("feature") or ""))
            if label := " ".join(words.split())[:_LONGEST_LABEL]:
                yield label, entry


def tags(run: Run, environment: RunEnvironment | None = None) -> dict[str, str]:
    """Return the run's own tags, its id, its result with the reason, and the commit of its code.

    The inputs in its environment follow, which a difference between two models may come from.
    """
    facts = {
        **run.tags,
        RUN_ID: run.run_id,
        "mlops.status": run.status.value,
        "mlops.detail": run.detail,
    }
    if run.code is not None:
        facts[COMMIT] = run.code.commit
    if environment is not None:
        inputs = described(environment).items()
        facts |= {f"{ENVIRONMENT}{name}": value for name, value in inputs}
    return {name: value[:_LONGEST] for name, value in facts.items()}
