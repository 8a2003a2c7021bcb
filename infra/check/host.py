"""The deployed host.json against the templates: task hub, connections, durations."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from infra.check.evaluate import EvaluationError, instantiate
from infra.check.problems import Problem
from infra.check.program import Program
from infra.stage_app import BACKENDS, HOST, merge

# The scale controller of Flex Consumption looks each ten seconds; slower polling adds to that.
SLOWEST_POLLING = "00:00:10"
_DURATION = re.compile(r"\d{2}:\d{2}:\d{2}")


def check(program: Program, repository: Path) -> Iterator[Problem]:
    """Yield what host.json and the templates disagree about, for each Durable backend."""
    shared = json.loads((repository / HOST).read_text("utf-8"))
    azure = _read(program, "azure")
    for backend in BACKENDS:
        path = f"host/{backend}.json"
        durable = merge(merge(shared, azure), _read(program, backend))["extensions"]["durableTask"]
        for file in program.parameter_files():
            if file.using not in program.files:
                continue
            try:
                environ = {"MLOPS_DURABLE_BACKEND": backend}
                made = list(instantiate(program, file, environ).resources())
            except EvaluationError:
                return  # names.py says so
            hubs = [
                r.name
                for r in made
                if r.type.startswith("Microsoft.DurableTask/schedulers/taskHubs@")
            ]
            if hubs and backend == "scheduler" and hubs != [durable["hubName"]]:
                text = (
                    f"host.json has the task hub {durable['hubName']!r}, the templates make {hubs}."
                )
                yield Problem(path=path, line=1, text=text)
            for resource in made:
                if resource.name == "appsettings" and hubs and backend == "scheduler":
                    yield from _connection(path, durable, resource.body["properties"])
        polling = durable["storageProvider"].get("maxQueuePollingInterval", "00:00:00")
        if not _DURATION.fullmatch(polling) or polling > SLOWEST_POLLING:
            text = f"maxQueuePollingInterval {polling!r} is longer than {SLOWEST_POLLING}."
            yield Problem(path=path, line=1, text=text)


def _read(program: Program, name: str) -> Any:
    return json.loads((program.root / "host" / f"{name}.json").read_text("utf-8"))


def _connection(path: str, durable: Any, settings: dict[str, Any]) -> Iterator[Problem]:
    name = durable["storageProvider"].get("connectionStringName", "")
    if name not in settings:
        yield Problem(path=path, line=1, text=f"The setting {name!r} of this backend is not set.")
