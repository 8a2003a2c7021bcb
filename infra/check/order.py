"""Checks facts that no snapshot shows: module order, outputs, and the JSON in parameters."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from infra.check.arm import ASSIGNMENT, Compiled, Problem

# Module: the modules that must be complete before it, because it uses what they make or permit.
AFTER = {
    "app": {
        "roles", "staging-roles", "mail-roles", "private-endpoints", "replicas", "scheduler",
        "host-storage",
    },
    "cluster": {"cluster-roles", "network"},
    "computes": {"private-endpoints", "workspace", "network"},
    "replicas": {"cluster"},
    "roles": {
        "cluster", "scheduler", "topics", "workspace", "registry", "vault", "data-storage",
        "host-storage", "ml-storage", "identities",
    },
    "topics": {"data-storage", "workspace", "registry"},
}  # fmt: skip
_SYSTEMS = (".github/workflows/deploy.yml", "infra/azure-pipelines.yml")
# Variables of azd, and of the hooks themselves: no outputs.
_GIVEN = {"AZURE_ENV_NAME", "MLOPS_BUDGET_START", "MLOPS_HOOK_ATTEMPTS", "MLOPS_HOOK_PAUSE"}
_NAME = r"((?:AZURE|MLOPS)_[A-Z_]+)"


def check(compiled: Compiled, repository: Path) -> Iterator[Problem]:
    """Yield modules that do not wait, outputs that are missing, and JSON that is none."""
    main, events = compiled.outline["main"], compiled.outline["events"]
    for text in _waits(main["modules"]):
        yield Problem(path="main.bicep", text=text)
    hooks = (repository / "infra" / "hooks.py").read_text("utf-8")
    readers = {"infra/hooks.py": set(re.findall(rf'"{_NAME}"', hooks)) - _GIVEN}
    for path in _SYSTEMS:
        text = (repository / path).read_text("utf-8")
        readers[path] = set(re.findall(rf"\.{_NAME}\.value", text))
    page = (repository / "docs" / "how-to" / "azure.md").read_text("utf-8")
    readers["docs/how-to/azure.md"] = set(re.findall(rf"azd env get-value {_NAME}", page))
    for path, names in readers.items():
        for name in sorted(names - set(main["outputs"])):
            yield Problem(path="main.bicep", text=f"{path} reads the output {name}; there is none.")
    given = set(re.findall(r'"(\w+)": "(?:AZURE|MLOPS)_[A-Z_]+",', hooks))
    for name in sorted(given - set(events["parameters"])):
        text = f"infra/hooks.py gives {name}; there is no such parameter."
        yield Problem(path="events.bicep", text=text)
    yield from _json(repository)


def _waits(modules: Mapping[str, Any]) -> Iterator[str]:
    def before(name: str, seen: frozenset[str] = frozenset()) -> set[str]:
        direct = set(modules.get(name, {"after": ()})["after"]) - seen
        return direct.union(*(before(one, seen | direct) for one in direct))

    needed = {name: set(required) for name, required in AFTER.items()}
    # The app must find every role at its first start, also roles of later modules.
    needed["app"] |= {name for name, module in modules.items() if ASSIGNMENT in module["makes"]}
    for name, required in needed.items():
        for missing in sorted(required - before(name)):
            yield f"The module {name} does not wait for {missing} (dependsOn)."


def _json(repository: Path) -> Iterator[Problem]:
    """Check that defaults are valid JSON; the compiler parses only the JSON of the given file."""
    names = set()
    infra = repository / "infra"
    for path in sorted(infra.glob("*.bicepparam")):
        source = path.read_text("utf-8")
        for name, default in re.findall(
            r"json\(readEnvironmentVariable\('(\w+)', '([^']*)'\)\)", source
        ):
            names.add(name)
            yield from _parsed(path.name, name, default)
    workflow = (repository / _SYSTEMS[0]).read_text("utf-8")
    for name, default in re.findall(r"(\w+): \$\{\{ vars\.\w+ \|\| '([^']*)' \}\}", workflow):
        if name in names:
            yield from _parsed(_SYSTEMS[0], name, default)
    for path in (infra / "sizes.json", *sorted((infra / "host").glob("*.json"))):
        yield from _parsed(path.relative_to(infra).as_posix(), "the file", path.read_text("utf-8"))


def _parsed(path: str, name: str, text: str) -> Iterator[Problem]:
    try:
        json.loads(text)
    except ValueError as error:
        yield Problem(path=path, text=f"{name} is no JSON: {error}.")
