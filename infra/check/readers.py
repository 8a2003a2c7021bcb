"""Outputs that hooks, pipelines and pages read, and the JSON in files and parameters."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from infra.check.arm import Compiled, Problem

_WORKFLOW, _NAME = ".github/workflows/deploy.yml", r"((?:AZURE|MLOPS)_[A-Z_]+)"
# Variables of azd, and of the hooks themselves: no outputs.
_GIVEN = {"AZURE_ENV_NAME", "MLOPS_BUDGET_START", "MLOPS_HOOK_ATTEMPTS", "MLOPS_HOOK_PAUSE"}
_OUTPUTS = {
    "infra/hooks.py": rf'"{_NAME}"',
    _WORKFLOW: rf"\.{_NAME}\.value",
    "infra/azure-pipelines.yml": rf"\.{_NAME}\.value",
    **{f"docs/how-to/{name}.md": rf"get-value {_NAME}" for name in ("azure", "deploy-to-azure")},
}


def check(compiled: Compiled, repository: Path) -> Iterator[Problem]:
    """Yield outputs and parameters that are read and missing."""
    main, events = compiled.outline["main"], compiled.outline["events"]
    for path, form in _OUTPUTS.items():
        names = set(re.findall(form, (repository / path).read_text("utf-8"))) - _GIVEN
        for name in sorted(names - set(main["outputs"])):
            yield Problem(path="main.bicep", text=f"{path} reads the output {name}; there is none.")
    hooks = (repository / "infra" / "hooks.py").read_text("utf-8")
    given = set(re.findall(rf'"(\w+)": "{_NAME[1:-1]}",', hooks))
    for name in sorted(given - set(events["parameters"])):
        text = f"infra/hooks.py gives {name}; there is no such parameter."
        yield Problem(path="events.bicep", text=text)


def check_variables(repository: Path) -> Iterator[Problem]:
    """Yield each parameter that another parameter file reads from another variable."""
    known: dict[str, str] = {}
    for path in sorted((repository / "infra").glob("*.bicepparam")):
        form = r"^param (\w+) = .*readEnvironmentVariable\('(\w+)'"
        for name, variable in re.findall(form, path.read_text("utf-8"), re.MULTILINE):
            if known.setdefault(name, variable) != variable:
                text = f"{name} is read from {variable}; another file reads {known[name]}."
                yield Problem(path=path.name, text=text)


def check_json(repository: Path) -> Iterator[Problem]:
    """Yield JSON of files and defaults that is none, or that is a list instead of an object."""
    infra, kinds = repository / "infra", dict[str, str]()
    texts: list[tuple[str, str, str]] = [
        (path.relative_to(infra).as_posix(), "the file", path.read_text("utf-8"))
        for path in (infra / "sizes.json", *sorted((infra / "host").glob("*.json")))
    ]
    for path in sorted(infra.glob("*.bicepparam")):
        form = r"json\(readEnvironmentVariable\('(\w+)', '([^']*)'\)\)"
        for name, default in re.findall(form, path.read_text("utf-8")):
            kinds.setdefault(name, default[:1])
            texts.append((path.name, name, default))
    workflow = (repository / _WORKFLOW).read_text("utf-8")
    for name, default in re.findall(r"(\w+): \$\{\{ vars\.\w+ \|\| '([^']*)' \}\}", workflow):
        if name in kinds:
            texts.append((_WORKFLOW, name, default))
    for where, name, text in texts:
        try:
            json.loads(text)
        except ValueError as error:
            yield Problem(path=where, text=f"{name} is not JSON: {error}.")
        if text[:1] != kinds.get(name, text[:1]):
            yield Problem(path=where, text=f"{name} must begin with {kinds[name]!r}, not {text!r}.")
