"""What the clone did, what does it here, and what is left to do: one row for what was found."""

from collections.abc import Iterator
from dataclasses import dataclass

from mlopsctl.seed.clone import TRAIN, Clone

SAME, BETTER, CHANGED, LEFT = "same", "better", "changed", "not carried over"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One item: where the clone has it, what does it here, and what its owner must do."""

    item: str
    found: str
    here: str
    status: str
    todo: str = ""


# By variable: the item, what does it here, and how that compares.
_VARIABLES: dict[str, tuple[str, str, str]] = {
    "MODEL_NAME": ("name of the model", "the table [models.<name>] of mlops.toml", CHANGED),
    "EXPERIMENT_NAME": ("experiment", "runs carry the model's name", CHANGED),
    "DATASET_NAME": ("data set", "container and prefix: a file that lands there is a version", BETTER),
    "DATASET_VERSION": ("version of the data", "the digest of the file; the newest by default", BETTER),
    "TRAINING_PIPELINE_NAME": ("published pipeline", "the story train_model", BETTER),
    "TRAIN_SCRIPT_PATH": ("training script", "python -m training, which calls train.py", BETTER),
    "SOURCES_DIR_TRAIN": ("folder of the model", "the same folder", SAME),
    "EVALUATE_SCRIPT_PATH": ("evaluation", "[models.<name>.gate]: same rows, confidence", BETTER),
    "REGISTER_SCRIPT_PATH": ("registration", "registered once, by run and digest", BETTER),
    "SCORE_SCRIPT": ("scoring script", "scoring/: POST /score with the same shapes", CHANGED),
    "IMAGE_NAME": ("image", "named by model and version, referred to by digest", BETTER),
    "AML_ENV_NAME": ("environment", "made from training/requirements.txt, named by its digest", BETTER),
    "AML_ENV_TRAIN_CONDA_DEP_FILE": ("packages of the training", "training/requirements.txt", CHANGED),
    "AML_REBUILD_ENVIRONMENT": ("rebuilding environments", "a new digest is a new environment", BETTER),
    "AML_COMPUTE_CLUSTER_NAME": ("compute", "MLOPS_AZURE_COMPUTE", SAME),
    "AML_COMPUTE_CLUSTER_CPU_SKU": ("size of the compute", "MLOPS_AZURE_COMPUTE_SIZE", SAME),
    "AML_CLUSTER_MAX_NODES": ("most nodes", "MLOPS_AZURE_COMPUTE_NODES", SAME),
    "AML_CLUSTER_MIN_NODES": ("fewest nodes", "always 0: an idle cluster costs nothing", CHANGED),
    "AML_CLUSTER_PRIORITY": ("priority of nodes", "dedicated nodes", CHANGED),
    "RUN_EVALUATION": ("switching the evaluation off", "the gate always judges; margin and bar say how", CHANGED),
    "ALLOW_RUN_CANCEL": ("cancelling the run of a worse model", "the outcome `rejected`, with reasons", BETTER),
    "modelbuildid": ("deploying an earlier model", "mlopsctl roll-back, or a release of that version", BETTER),
    "MODEL_BUILD_ID": ("deploying an earlier model", "mlopsctl roll-back, or a release of that version", BETTER),
    "ACI_DEPLOYMENT_NAME": ("QA on Container Instances", "a container group per release, removed after it", BETTER),
    "AKS_DEPLOYMENT_NAME": ("production on AKS", "a Service per model with verified roll-out", BETTER),
    "AKS_COMPUTE_NAME": ("cluster of production", "MLOPS_AZURE_CLUSTER", SAME),
    "RESOURCE_GROUP": ("resource group", "made by infra/", CHANGED),
    "WORKSPACE_NAME": ("workspace", "MLOPS_AZURE_WORKSPACE", SAME),
    "SUBSCRIPTION_ID": ("subscription", "MLOPS_AZURE_SUBSCRIPTION_ID", SAME),
    "LOCATION": ("region", "MLOPS_AZURE_LOCATION", SAME),
    "BASE_NAME": ("names of resources", "the parameter environmentName of infra/", CHANGED),
}  # fmt: skip
_TODO = {
    "RUN_EVALUATION": "To promote worse models on purpose, set a negative margin.",
    "AML_CLUSTER_PRIORITY": "Low-priority nodes: change the size of the compute in the workspace.",
    "AML_CLUSTER_MIN_NODES": "",
    "AML_ENV_TRAIN_CONDA_DEP_FILE": "Add the packages that train.py imports and that are not there.",
    "SCORE_SCRIPT": "If run() does more than model.predict, put that into the model (a scikit-learn Pipeline).",
}
# What has no counterpart here, by how the variables begin or end.
_ABSENT = (
    (("SCORING_", "BATCHSCORE_", "USE_GPU_FOR_SCORING"), "batch scoring"),
    (("AML_ENV_NAME_SCOR", "AML_ENV_SCORE", "AML_REBUILD_ENVIRONMENT_SCORING"), "batch scoring"),
    (("WEBAPP_",), "deployment to a Web App"),
    (("DB_CLUSTER_ID",), "training with R on Databricks"),
    (("DATASTORE_NAME",), "a datastore of one's own"),
)


def compare(clone: Clone) -> list[Row]:
    """Return the rows, those first that ask for something to be done."""
    rows = [*_code(clone), *_settings(clone), *_serving(clone), *_files(clone)]
    return sorted(rows, key=lambda row: (not row.todo, row.status != LEFT))


def _code(clone: Clone) -> Iterator[Row]:
    train = f"{clone.folder}/{TRAIN.as_posix()}"
    yield Row(
        item="training code",
        found=train,
        here="the same file, byte for byte, called by training/train.py",
        status=SAME,
    )
    name = f"{clone.folder}/parameters.json"
    if clone.parameters:
        yield Row(
            item="training parameters",
            found=f"{name}: {', '.join(clone.parameters.get('training', {})) or 'none'}",
            here="the same file; each change of it is a commit that is checked and trained on",
            status=SAME,
        )
    tags = clone.parameters.get("registration", {})
    if isinstance(tags, dict) and tags.get("tags"):
        yield Row(
            item="tags of registered models",
            found=f"{name}: {', '.join(map(str, tags['tags']))}",
            here="every metric is a tag, with run, data and code",
            status=BETTER,
        )


def _settings(clone: Clone) -> Iterator[Row]:
    for name, variable in clone.variables.items():
        found = f"{variable.place}: {name} = {variable.value}"
        if name in _VARIABLES:
            item, here, status = _VARIABLES[name]
            yield Row(item=item, found=found, here=here, status=status, todo=_TODO.get(name, ""))
            continue
        absent = next((what for starts, what in _ABSENT if name.startswith(starts)), None)
        if absent and not variable.value:
            continue
        # The values of what we do not know may be secrets.
        yield Row(
            item=absent or "a variable of your own",
            found=f"{variable.place}: {name}",
            here="nothing",
            status=LEFT,
            todo=f"Keep the clone's own pipeline for {absent}." if absent else f"Is {name} needed?",
        )
    for schedule in clone.schedules:
        yield Row(
            item="schedule",
            found=f"{schedule.place}: {schedule.value}",
            here="schedules in mlops.toml, in UTC",
            status=SAME,
        )
    if clone.secrets:
        yield Row(
            item="secrets",
            found=f".env: {', '.join(clone.secrets)}",
            here="managed identity; there is no service principal's password",
            status=LEFT,
            todo="Revoke the service principal when nothing else uses it.",
        )


def _serving(clone: Clone) -> Iterator[Row]:
    for title, content, file in (
        ("replicas and limits of production", clone.serving, "deployment_config_aks.yml"),
        ("size of staging", clone.staging, "deployment_config_aci.yml"),
    ):
        if content:
            scaler = content.get("autoScaler") or {}
            facts = {**content.get("containerResourceRequirements", {}), **scaler}
            yield Row(
                item=title,
                found=f"{clone.folder}/scoring/{file}: "
                + ", ".join(f"{key} {value}" for key, value in facts.items()),
                here="replicas in mlops.toml; requests and limits are fixed in the manifests",
                status=CHANGED if content is clone.serving else SAME,
            )


def _files(clone: Clone) -> Iterator[Row]:
    whole = clone.folder
    known = (
        (f"{whole}/training/train_aml.py", "training script of Azure ML", "python -m training", BETTER, ""),
        (f"{whole}/evaluate/evaluate_model.py", "champion: newest model with a tag", "champion: what production serves", BETTER, ""),
        (f"{whole}/register/register_model.py", "registration script", "an activity, safe to repeat", BETTER, ""),
        (f"{whole}/training/R", "training with R", "nothing", LEFT, "Keep the clone's own pipeline for R."),
        (f"{whole}/scoring/parallel_batchscore.py", "batch scoring", "nothing", LEFT, "Keep the clone's own pipeline for batch scoring."),
        (f"{whole}/scoring/scoreA.py", "A/B test by Istio", "traffic moves after a smoke test; no split by header", CHANGED, ""),
        ("environment_setup", "infrastructure", "infra/: Bicep, identities instead of keys", BETTER, "Deploy infra/ beside the old resources: docs/azure.md."),
        ("ml_service", "publishing and running pipelines", "events start stories", BETTER, ""),
        (".pipelines", "build and release pipelines", "integrate_change, train_model, release_model with an approval", BETTER, "Set approvers in mlops.toml."),
        ("experimentation", "notebooks", "nothing", LEFT, "Keep them in the repository."),
    )  # fmt: skip
    for name, item, here, status, todo in known:
        if any(f == name or f.startswith(f"{name}/") for f in clone.files):
            yield Row(item=item, found=name, here=here, status=status, todo=todo)


def as_markdown(clone: Clone, rows: list[Row], numbers: list[str]) -> str:
    """Return the report as a page."""
    counts = ", ".join(
        f"{sum(row.status == status for row in rows)} {status}"
        for status in (SAME, BETTER, CHANGED, LEFT)
    )
    lines = [f"# {clone.folder}: from MLOpsPython", "", f"{len(rows)} items: {counts}.", ""]
    if numbers:
        lines += ["## The same figures?", "", *numbers, ""]
    lines += ["| What | Found in the clone | Here | | To do |", "|---|---|---|---|---|"]
    for row in rows:
        cells = (row.item, row.found, row.here, row.status, row.todo)
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"
