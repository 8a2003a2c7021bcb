"""Finds the metrics of a clone's get_model_metrics by reading its source, without running it."""

import ast

from migration.clone import TRAIN, Clone

FUNCTION = "get_model_metrics"
# The metric by which the gate compares models.
GATE = "mse"


def metric_names(clone: Clone) -> tuple[str, ...]:
    """Return the names of the clone's metrics, () when the source does not show them."""
    tree = ast.parse(clone.text(f"{clone.folder}/{TRAIN.as_posix()}"))
    names: dict[str, None] = {}
    for function in tree.body:
        if isinstance(function, ast.FunctionDef) and function.name == FUNCTION:
            for node in ast.walk(function):
                names |= dict.fromkeys(_keys(node))
    return tuple(names)


def _keys(node: ast.AST) -> list[str]:
    """Return the texts that are keys here: of `{"a": 1}`, `dict(a=1)` and `metrics["a"] = 1`."""
    if isinstance(node, ast.Dict):
        nodes: list[ast.expr | None] = list(node.keys)
    elif isinstance(node, ast.Assign):
        nodes = [t.slice for t in node.targets if isinstance(t, ast.Subscript)]
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "dict":
        return [keyword.arg for keyword in node.keywords if keyword.arg]
    else:
        return []
    return [k.value for k in nodes if isinstance(k, ast.Constant) and isinstance(k.value, str)]
