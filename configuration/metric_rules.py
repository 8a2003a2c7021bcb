"""Rules of mlops.toml about a metric that is an own function of the model's code."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from configuration.kinds import Finding, Number, show
from configuration.values import is_function

_BAR = Number(low=0, high=1e300, open_low=True)


def check_metric(path: str, model: Mapping[str, object], root: Path) -> Iterator[Finding]:
    """Yield the faults of `metric`, `direction` and `bar` together; `root` is the app's folder."""
    gate = model.get("gate")
    if not isinstance(gate, Mapping):
        return
    metric, direction = gate.get("metric", "mse"), gate.get("direction", "")
    if not isinstance(metric, str):
        return
    if is_function(metric):
        if direction == "":
            where = f"{path}.gate.direction"
            yield (
                where,
                f"{where} is missing: {path}.gate.metric = {show(metric)} is an own function. Set "
                'it to "lower" where a lower value is better, or to "higher".',
            )
        data = model.get("data")
        labels = data.get("labels") if isinstance(data, Mapping) else None
        if isinstance(labels, list) and len(labels) > 2:
            where = f"{path}.gate.metric"
            text = f"an own function judges numbers or two labels, and the target has {len(labels)}"
            remedy = "Choose log_loss, brier, calibration, auc or f_beta"
            yield where, f"{where} = {show(metric)}: {text}. {remedy}."
        # With a repository, each commit brings its own code.
        if "code" not in model:
            yield from _check_module(path, model, metric, root)
        return
    # A colon is a mistake in an own function, whose direction is right.
    if isinstance(direction, str) and direction and ":" not in metric:
        where = f"{path}.gate.direction"
        text = f"{path}.gate.metric = {show(metric)} has its own direction. Remove this key"
        yield where, f"{where} = {show(direction)}: {text}."
    if "bar" in gate:
        yield from _BAR.check(f"{path}.gate.bar", gate["bar"])


def _check_module(
    path: str, model: Mapping[str, object], metric: str, root: Path
) -> Iterator[Finding]:
    """Yield a module that does not exist, or that a run of the model would not have."""
    training, module = model.get("training"), metric.partition(":")[0]
    if not isinstance(training, str) or not training:
        return
    where = f"{path}.gate.metric"
    if module != training and not module.startswith(f"{training}."):
        text = f"a run of the model has the folder of {show(training)} only"
        remedy = f'Put the function there, such as "{training}.metrics:cost"'
        yield where, f"{where} = {show(metric)}: {text}. {remedy}."
        return
    steps = root.joinpath(*module.split("."))
    if not ((steps / "__init__.py").is_file() or steps.with_name(f"{steps.name}.py").is_file()):
        shown = module.replace(".", "/")
        text = f"there is no module {module} in {root}. Write {shown}.py there"
        yield where, f"{where} = {show(metric)}: {text}, or name another one."
