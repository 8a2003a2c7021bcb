"""The parity report: one row per item of the clone, its counterpart here, and the work left."""

from collections.abc import Iterator
from dataclasses import dataclass

from migration.clone import TRAIN, Clone, Variable
from migration.cron import to_ncrontab
from migration.metrics import FUNCTION, GATE, metric_names
from migration.script import Script
from migration.variables import ABSENT, BETTER, CHANGED, LEFT, SAME, TODO, VARIABLES


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """An item of the clone: its location, its counterpart here, and the work left for its owner."""

    item: str
    found: str
    here: str
    status: str
    todo: str = ""


def compare(clone: Clone, script: Script) -> list[Row]:
    """Return the rows; rows with work left come first."""
    rows = [
        *_code(clone),
        *_script(clone, script),
        *_settings(clone),
        *_serving(clone),
        *_files(clone),
    ]
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
            found=f"{name}: {', '.join(clone.section('training')) or 'none'}",
            here="the same file; each change of it is a commit that is checked and trained on",
            status=SAME,
        )
    yield from _metric(clone, train)
    tags = clone.section("registration").get("tags")
    if isinstance(tags, list) and tags:
        yield Row(
            item="tags of registered models",
            found=f"{name}: {', '.join(map(str, tags))}",
            here="every metric is a tag, with run, data and code",
            status=BETTER,
        )


def _metric(clone: Clone, train: str) -> Iterator[Row]:
    names = metric_names(clone)
    if GATE in names:
        return
    given = ", ".join(names) or "metrics whose names the source does not show"
    yield Row(
        item="metric that models are compared by",
        found=f"{train}: {FUNCTION} gives {given}",
        here=f"the gate compares by {GATE} (mean squared error) on the held-out rows",
        status=CHANGED,
        todo=f"The gate does not go by {', '.join(names) or 'these'}. Decide whether {GATE} orders "
        "your models as you want; bar in mlops.toml is an error, not a score.",
    )


LOCK = (
    "uv pip compile --universal --python-version 3.11 --generate-hashes scoring/requirements.in"
    " -o scoring/requirements.txt"
)


def _script(clone: Clone, script: Script) -> Iterator[Row]:
    if script.problem:
        remark = "; the script is kept where it was" if clone.has(script.file) else ""
        yield Row(
            item="scoring script",
            found=script.file,
            here=f"not used: the app's own service answers, by model.predict{remark}",
            status=CHANGED,
            todo=f"It cannot be used: {script.problem}. Correct it and import again, or leave it.",
        )
        return
    add = (
        f"Add {', '.join(script.packages)} to scoring/requirements.in and write the hashes: {LOCK}"
        if script.packages
        else ""
    )
    yield Row(
        item="scoring script",
        found=script.file,
        here="scoring/seed/score.py, byte for byte: its init() and run() answer POST /score",
        status=SAME,
        todo=add,
    )
    yield Row(
        item="model that init() loads",
        found=f"{script.file}: {script.model_name} in AZUREML_MODEL_DIR",
        here="the model travels as skops; the service writes the pickle that init() loads",
        status=BETTER,
    )
    yield Row(
        item="answers of run()",
        found=script.file,
        here="one number a row in `result`; an error is a status of 4xx or 5xx, not a 200",
        status=CHANGED,
        todo="If run() does more than model.predict, put that into the model (a scikit-learn "
        "Pipeline): staging compares its answers with the model's and lets no others through.",
    )
    if script.has_samples:
        yield Row(
            item="sample of the input",
            found=f"{script.file}: NumpyParameterType",
            here="fractions stay fractions; before, a sample of whole numbers cut them off",
            status=BETTER,
        )


def _settings(clone: Clone) -> Iterator[Row]:
    for name, variable in clone.variables.items():
        setting = f"{variable.place}: {name} = {variable.value}"
        if name in VARIABLES:
            item, here, status = VARIABLES[name]
            yield Row(item=item, found=setting, here=here, status=status, todo=TODO.get(name, ""))
            continue
        absent = next((what for starts, what in ABSENT if name.startswith(starts)), None)
        if absent and not variable.value:
            continue
        # Values of unknown variables may be secrets.
        yield Row(
            item=absent or "a variable of your own",
            found=f"{variable.place}: {name}",
            here="nothing",
            status=LEFT,
            todo=f"Keep the clone's own pipeline for {absent}." if absent else f"Is {name} needed?",
        )
    for schedule in clone.schedules:
        yield _schedule(schedule)
    if clone.secrets:
        yield Row(
            item="secrets",
            found=f".env: {', '.join(clone.secrets)}",
            here="managed identity; there is no service principal's password",
            status=LEFT,
            todo="Revoke the service principal when nothing else uses it.",
        )


def _schedule(schedule: Variable) -> Row:
    setting = f"{schedule.place}: {schedule.value}"
    try:
        cron = to_ncrontab(schedule.value)
    except ValueError as error:
        todo = f"Write this schedule into mlops.toml yourself: {error}."
        return Row(item="schedule", found=setting, here="nothing", status=LEFT, todo=todo)
    is_same = cron == " ".join(["0", *schedule.value.split()])
    return Row(
        item="schedule",
        found=setting,
        here="schedules in mlops.toml, in UTC" + ("" if is_same else f": {cron}"),
        status=SAME if is_same else CHANGED,
    )


def _serving(clone: Clone) -> Iterator[Row]:
    for title, content, file in (
        ("replicas and limits of production", clone.serving, "deployment_config_aks.yml"),
        ("size of staging", clone.staging, "deployment_config_aci.yml"),
    ):
        if content:
            facts = clone.limits(content, file)
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
        ("environment_setup", "infrastructure", "infra/: Bicep, identities instead of keys", BETTER, "Deploy infra/ beside the old resources: docs/how-to/azure.md."),
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
        lines.append(
            "| " + " | ".join(" ".join(cell.replace("|", "\\|").split()) for cell in cells) + " |"
        )
    return "\n".join(lines) + "\n"
