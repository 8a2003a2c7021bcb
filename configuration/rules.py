"""Rules of mlops.toml that compare several keys; values of a wrong type are left out.

A wrong type is reported where the key itself is checked.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from configuration.kinds import Finding, show
from configuration.metric_rules import check_metric
from configuration.values import MODEL_NAME, TARGET, is_function, is_program

Model = Mapping[str, Any]
# With more labels a line of answers becomes too long.
MOST_LABELS = 100
# The metrics of the gate that compare probabilities of labels.
LABEL_METRICS = ("log_loss", "brier", "calibration", "auc", "f_beta")


def check_model(path: str, model: Model, root: Path) -> Iterator[Finding]:
    """Yield conflicts between the keys of one model."""
    yield from _check_columns(path, model)
    yield from _check_words(path, model)
    yield from _check_modules(path, model, root)
    yield from _check_command(path, model)
    yield from check_metric(path, model, root)
    yield from _check_schedules(path, model)
    code = _table(model, "code")
    if code.get("lint") == [] and code.get("tests") == []:
        where = f"{path}.code.tests"
        text = "`lint` is empty, too, so that a push has no check to pass. Name a command in one."
        yield where, f"{where} = []: {text}"


def check_models(models: Mapping[str, Model]) -> Iterator[Finding]:
    """Yield conflicts between two models."""
    yield from _check_prefixes(models)
    yield from _check_timer_names(models)


def _check_columns(path: str, model: Model) -> Iterator[Finding]:
    data, drift, gate = (_table(model, name) for name in ("data", "drift", "gate"))
    columns, target = _texts(data.get("columns")), data.get("target", TARGET)
    if len(columns) < 2 or not isinstance(target, str):
        return
    if target not in columns:
        where = f"{path}.data.columns"
        yield where, f"{where} = {show(list(columns))}: the target {show(target)} is missing."
    group = data.get("group", "")
    if fault := _group_fault(group, target, columns):
        where = f"{path}.data.group"
        yield where, f"{where} = {show(group)}: {fault}"
        group = ""
    features = tuple(column for column in columns if column not in (target, group))
    for key, named in (
        ("drift.columns", drift.get("columns")),
        ("gate.slices", gate.get("slices")),
        ("gate.increasing", gate.get("increasing")),
        ("gate.decreasing", gate.get("decreasing")),
    ):
        for number, name in enumerate(_texts(named)):
            where = f"{path}.{key}[{number}]"
            if name == target:
                yield where, f"{where} = {show(name)}: it is the target; name features only."
            elif fault := _feature_fault(path, name, features, group):
                yield where, f"{where} = {show(name)}: {fault}"


def _check_words(path: str, model: Model) -> Iterator[Finding]:
    """Yield conflicts between the labels, the columns of words and the other tables."""
    yield from _check_word_columns(path, model)
    yield from _check_labels(path, model)
    yield from _check_directions(path, model)
    data = _table(model, "data")
    words = [key for key in ("labels", "categories", "texts", "dates") if data.get(key)]
    if "drift" in model and words:
        where = f"{path}.drift"
        yield (
            where,
            f"[{where}]: drift is watched in numbers only, and {path}.data has {words[0]}. "
            "Remove this table.",
        )


def _check_word_columns(path: str, model: Model) -> Iterator[Finding]:
    """Yield each column of words or dates that is no feature, or that is in two lists."""
    data = _table(model, "data")
    target, group = data.get("target", TARGET), data.get("group", "")
    features = tuple(name for name in _texts(data.get("columns")) if name not in (target, group))
    first: dict[str, str] = {}
    for key in ("categories", "texts", "dates"):
        for number, name in enumerate(_texts(data.get(key))):
            where = f"{path}.data.{key}[{number}]"
            earlier = first.setdefault(name, where)
            if name == target:
                text = "it is the target; name its labels in `labels`"
                yield where, f"{where} = {show(name)}: {text}."
            elif fault := _feature_fault(path, name, features, group):
                yield where, f"{where} = {show(name)}: {fault}"
            # The kind of `categories` finds a column that stands twice within one list.
            elif earlier != where and not earlier.startswith(f"{path}.data.{key}["):
                yield where, f"{where} = {show(name)}: {earlier} has it already."
    dates = _texts(data.get("dates"))
    for number, name in enumerate(_texts(data.get("future_dates"))):
        if name not in dates:
            where = f"{path}.data.future_dates[{number}]"
            yield where, f"{where} = {show(name)}: {path}.data.dates has no such column."


def _check_labels(path: str, model: Model) -> Iterator[Finding]:
    """Yield a single label, and a metric that compares no probabilities."""
    labels, metric = _table(model, "data").get("labels"), _table(model, "gate").get("metric", "mse")
    if not isinstance(labels, list) or not labels:
        return
    if len(labels) < 2 or len(labels) > MOST_LABELS:
        where = f"{path}.data.labels"
        text = f"a target must have 2 to {MOST_LABELS} labels, and this list has {len(labels)}"
        yield where, f"{where} = {show(labels)}: {text}."
    if isinstance(metric, str) and metric not in LABEL_METRICS and not is_function(metric):
        where = f"{path}.gate.metric"
        text = f"the target has labels; choose one of {', '.join(LABEL_METRICS)}"
        yield where, f"{where} = {show(metric)}: {text}."


def _check_directions(path: str, model: Model) -> Iterator[Finding]:
    """Yield each declared direction of a column of words, or in both lists."""
    data, gate = _table(model, "data"), _table(model, "gate")
    words = {name for key in ("categories", "texts", "dates") for name in _texts(data.get(key))}
    first: dict[str, str] = {}
    for key in ("increasing", "decreasing"):
        for number, name in enumerate(_texts(gate.get(key))):
            where = f"{path}.gate.{key}[{number}]"
            earlier = first.setdefault(name, where)
            if name in words:
                text = "it is a column of words or dates; only a number can rise"
                yield where, f"{where} = {show(name)}: {text}."
            # The kind of a list finds a column that stands twice within it.
            elif earlier.startswith(f"{path}.gate.increasing") and key == "decreasing":
                yield where, f"{where} = {show(name)}: {earlier} has it already."


def _feature_fault(path: str, name: str, features: tuple[str, ...], group: object) -> str:
    """Return the fault of a name that must be a feature's, "" when it has none."""
    if name == group:
        return "it is the group; name features only."
    return "" if name in features else f"{path}.data.columns has {', '.join(features)}."


def _group_fault(group: object, target: str, columns: tuple[str, ...]) -> str:
    """Return the fault of a column of groups, "" when it has none."""
    known = ", ".join(column for column in columns if column != target)
    if not isinstance(group, str) or not group:
        return ""
    if group == target:
        return f"it is the target; name one of {known}."
    if group not in columns:
        return f"the columns are {known}."
    if len(columns) == 2:
        return "it is no feature, and there is no other one."
    return ""


def _check_modules(path: str, model: Model, root: Path) -> Iterator[Finding]:
    # With a repository, each commit brings its own code.
    if "code" in model:
        return
    training, scoring = model.get("training"), model.get("scoring")
    if isinstance(training, str) and training:
        yield from _check_training(f"{path}.training", training, root, "command" in model)
    if isinstance(scoring, str) and scoring and not (root / scoring / "__main__.py").is_file():
        where = f"{path}.scoring"
        yield (
            where,
            f"{where} = {show(scoring)}: there is no such service in {root}. "
            f"Write {scoring}/__main__.py there, or name another folder.",
        )


def _check_training(where: str, training: str, root: Path, has_command: bool) -> Iterator[Finding]:
    """Yield the absence of the module that trains, or of the folder in which a command trains."""
    steps, shown = root.joinpath(*training.split(".")), training.replace(".", "/")
    if has_command:
        if not steps.is_dir():
            text = f"there is no folder {shown} in {root}, in which `command` starts"
            yield where, f"{where} = {show(training)}: {text}. Make it, or name another folder."
    elif not ((steps / "__main__.py").is_file() or steps.with_name(f"{steps.name}.py").is_file()):
        yield (
            where,
            f"{where} = {show(training)}: there is no such module in {root}. "
            f"Write {shown}/__main__.py or {shown}.py there, or name another module.",
        )


def _check_command(path: str, model: Model) -> Iterator[Finding]:
    """Yield a command without a program; a model without the key runs its module."""
    command = model.get("command")
    if not isinstance(command, list):
        return
    where = f"{path}.command"
    if not command:
        text = "it has no word. Leave the key out to run the module, or name a program"
        yield where, f'{where} = []: {text}: ["Rscript", "model.R"].'
    elif isinstance(command[0], str) and not is_program(command[0]):
        text = "the first word must be the name of a program in PATH, such as sh or Rscript"
        remedy = 'give a script to its interpreter, ["sh", "train.sh"], each word on its own'
        yield f"{where}[0]", f"{where}[0] = {show(command[0])}: {text}; {remedy}."


def _check_schedules(path: str, model: Model) -> Iterator[Finding]:
    for key in ("name", "cron"):
        first: dict[str, str] = {}
        for where, schedule in _schedules(path, model):
            value = schedule.get(key)
            if not isinstance(value, str):
                continue
            earlier = first.setdefault(" ".join(value.lower().split()), where)
            if earlier != where:
                key_path = f"{where}.{key}"
                yield key_path, f"{key_path} = {show(value)}: {earlier} has the same {key}."


def _check_prefixes(models: Mapping[str, Model]) -> Iterator[Finding]:
    seen: list[tuple[str, str, str]] = []
    for name, model in models.items():
        container, prefix = model.get("container"), model.get("prefix")
        if not isinstance(container, str) or not isinstance(prefix, str) or not prefix:
            continue
        for other, other_container, other_prefix in seen:
            one_in_other = prefix.startswith(other_prefix) or other_prefix.startswith(prefix)
            if container == other_container and one_in_other:
                where = f"models.{name}.prefix"
                yield (
                    where,
                    f"{where} = {show(prefix)}: it overlaps with {show(other_prefix)} of "
                    f"models.{other} in container {show(container)}, so that one file would start "
                    "both. Give each model a folder of its own.",
                )
        seen.append((name, container, prefix))


def _check_timer_names(models: Mapping[str, Model]) -> Iterator[Finding]:
    """Yield the schedules whose timer functions would share a name, because `-` becomes `_`."""
    first: dict[str, tuple[tuple[str, str], str]] = {}
    for name, model in models.items():
        if not MODEL_NAME.fullmatch(name):
            continue
        for where, schedule in _schedules(f"models.{name}", model):
            called = schedule.get("name")
            if not isinstance(called, str):
                continue
            function = timer_name(name, called).lower()
            schedule_of = (name, called.lower())
            other, earlier = first.setdefault(function, (schedule_of, where))
            # _check_schedules reports a repeated name within one model.
            if other != schedule_of:
                key_path = f"{where}.name"
                yield (
                    key_path,
                    f"{key_path} = {show(called)}: its timer function would be called {function}, "
                    f"as that of {earlier}. Choose another name.",
                )


def timer_name(model: str, schedule: str) -> str:
    """Return the name of the timer function of a model's schedule."""
    return f"train_{model}_{schedule}".replace("-", "_")


def _schedules(path: str, model: Model) -> Iterator[tuple[str, Model]]:
    listed = model.get("schedules")
    for number, schedule in enumerate(listed if isinstance(listed, list) else []):
        if isinstance(schedule, Mapping):
            yield f"{path}.schedules[{number}]", schedule


def _table(model: Model, name: str) -> Model:
    value = model.get(name)
    return value if isinstance(value, Mapping) else {}


def _texts(value: object) -> tuple[str, ...]:
    return tuple(v for v in value if isinstance(v, str)) if isinstance(value, list) else ()
