"""Limits in seconds are long, so that no test takes a stall of the machine for a result.

A machine with other work stalls for ten seconds now and then. A request that is given up after five
seconds then fails its test, and refuses the landing of somebody else's work.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
SHORTEST = 60.0  # seconds
# Limits that a test is about: the limit itself must come, however late; nothing races with it.
MEANT = {
    "adapters/git/test_servers.py: timeout_seconds=1": "a server that says nothing",
    "adapters/azure/control_plane.py: timeout=0.2": "an interval",
    "attacks/test_borders.py: FUNCHOST_REQUEST_SECONDS=1": "clients that never end a request",
    "azure_servers/names.py: MLOPS_AZURE_POLL_SECONDS=0.05": "an interval, not a limit",
    "azure_servers/passing_time.py: PREDICTION_LOG_SEGMENT_SECONDS=1": "an interval",
    "checks/test_limits.py: timeout_seconds=3": "code that never ends",
    "funchost/test_contract.py: timeout=0.2": "an orchestrator that blocks until it was named",
    "mlopsctl/test_client.py: seconds=0.2": "an app that says nothing",
    "mlopsctl/test_demo.py: seconds=0": "an app that says nothing",
    "platform_jobs/test_forkserver.py: timeout=0.5": "code that never ends",
    "platform_jobs/test_own_metric.py: timeout=0.3": "a metric that never ends",
    "platform_jobs/test_shared_forks.py: timeout=0.1": "code that never ends",
    "platform_jobs/test_shell_project.py: timeout=0.1": "a command that never ends",
    "scoring/test_log_shipping.py: PREDICTION_LOG_SEGMENT_SECONDS=1": "an interval",
    "scoring/test_log_shipping.py: max_segment_seconds=0.2": "an interval",
    "scoring/test_prediction_log.py: max_segment_seconds=0.05": "an interval",
    "orchestrators/test_watch_production.py: cooldown_seconds=0": "a clock that the test moves",
    "stories/conftest.py: timeout_seconds=6": "a training that never ends",
    "stories/test_drift.py: cooldown_seconds=0": "no cooldown",
    "stories/test_event_storm.py: poll_interval_seconds=1": "an interval",
    "stories/test_slow_replicas.py: MLOPS_READY_SECONDS=8": "replicas that are stopped until then",
    "test_quiet_clock.py: until=0.01": "a wait for what never comes",
}
WAITS = ("wait", "join", "result", "settimeout", "communicate", "run")


def number(node: ast.expr | None) -> float | None:
    """Return the number that an expression is, also one in quotes; None for any other."""
    if not isinstance(node, ast.Constant) or isinstance(node.value, bool):
        return None
    try:
        return float(node.value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None


def limits(tree: ast.AST) -> Iterator[tuple[str, float]]:
    """Yield each limit in seconds with the name under which it is given."""
    for node in ast.walk(tree):
        pairs: list[tuple[str, ast.expr | None]] = []
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name) and node.func.id == "timedelta":
                continue  # of a clock that the test moves
            pairs = [(keyword.arg or "", keyword.value) for keyword in node.keywords]
            called = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            if called in WAITS and len(node.args) == 1:
                pairs.append(("timeout", node.args[0]))
            if isinstance(node.func, ast.Name) and node.func.id == "until" and node.args[2:]:
                pairs.append(("until", node.args[2]))
            # patch.setenv(name, value) and the like
            names = [arg.value for arg in node.args[:1] if isinstance(arg, ast.Constant)]
            pairs += [(str(name), value) for name in names for value in node.args[1:2]]
        elif isinstance(node, ast.Dict):
            keys = [key.value if isinstance(key, ast.Constant) else "" for key in node.keys]
            pairs = [(str(key), value) for key, value in zip(keys, node.values, strict=True)]
        elif isinstance(node, ast.Subscript | ast.Assign):
            target = node.targets[0] if isinstance(node, ast.Assign) else None
            if isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Constant):
                pairs = [(str(target.slice.value), node.value)]
        for name, value in pairs:
            is_limit = name in ("timeout", "until", "seconds") or name.lower().endswith("_seconds")
            if is_limit and (found := number(value)) is not None:
                yield name, found


def short(path: Path) -> Iterator[str]:
    """Yield the limits of a file that are shorter than a stall."""
    for name, seconds in limits(ast.parse(path.read_text(encoding="utf-8"))):
        if seconds < SHORTEST:
            yield f"{path.relative_to(TESTS)}: {name}={seconds:g}"


def test_no_limit_of_a_test_is_shorter_than_a_stall_of_the_machine() -> None:
    found = {one for path in TESTS.rglob("*.py") for one in short(path)}

    assert found - set(MEANT) == set(), "use tests.patience.PATIENCE, or wait for progress"
    assert set(MEANT) - found == set(), "these are gone"


@pytest.mark.parametrize(
    "code",
    [
        "httpx.get(url, timeout=5)",
        "process.wait(20)",
        "until(look, 'the end', 10)",
        "Host(folder, FUNCHOST_REQUEST_SECONDS='1')",
        "environ = {'MLOPS_READY_SECONDS': '2'}",
        "patch.setenv('MLOPS_READY_SECONDS', '8')",
        "given['SEGMENT_SECONDS'] = '1'",
    ],
)
def test_each_way_to_give_a_limit_is_seen(code: str) -> None:
    assert len(list(limits(ast.parse(code)))) == 1
