"""Parameters and tags of a run in the MLflow tracking; the same on both platforms."""

from collections.abc import Mapping

from function_app.domain.events.caller import caller_tags
from function_app.domain.lineage.environment import RunEnvironment, described
from function_app.domain.lineage.origin import VERDICT
from function_app.domain.training import Run, finite_figures

RUN_ID = "mlops.run_id"
# The key under which MLflow shows the commit of a run.
COMMIT = "mlflow.source.git.commit"
ENVIRONMENT = "mlops.environment."
_COMPARISON = "comparison"
_LONGEST_OF_VERSION = 250  # characters of a tag's value of a version in Azure ML
_LONGEST = 5000  # characters of a tag's value, MLflow's own limit


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
    """Return the finite numbers of an evaluation's comparison of two models, by their place.

    The gain with its bounds is `comparison.gain_low`, a figure of the challenger alone
    `comparison.challenger.bias`.
    """
    figures: dict[str, float] = {}
    for name, value in (content or {}).items():
        inner = value if isinstance(value, Mapping) else {"": value}
        for part, number in finite_figures(inner).items():
            figures[".".join(step for step in (_COMPARISON, name, part) if step)] = number
    return figures


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
