"""Parameters and tags of a run in the MLflow tracking; the same on both platforms."""

from function_app.domain.training import Run

RUN_ID = "mlops.run_id"
# The key under which MLflow shows the commit of a run.
COMMIT = "mlflow.source.git.commit"
_LONGEST = 5000  # characters of a tag's value, MLflow's own limit


def parameters(run: Run) -> dict[str, str]:
    """Return the model and the versions of data and code; absent values are left out."""
    facts = {"model": run.model, "dataset_version": run.dataset_version}
    if run.code is not None:
        facts["code_version"] = run.code.version
    return {name: value for name, value in facts.items() if value}


def tags(run: Run) -> dict[str, str]:
    """Return the run's own tags, its id, its result with the reason, and the commit of its code."""
    facts = {
        **run.tags,
        RUN_ID: run.run_id,
        "mlops.status": run.status.value,
        "mlops.detail": run.detail,
    }
    if run.code is not None:
        facts[COMMIT] = run.code.commit
    return {name: value[:_LONGEST] for name, value in facts.items()}
