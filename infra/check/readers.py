"""Outputs that hooks, pipelines and pages read, and the variables of parameter files."""

import re
from collections.abc import Iterator

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
_PARAMETER = re.compile(r"(?m)^param (\w+) = .*readEnvironmentVariable\('(\w+)', '([^']*)'")
_DEFAULT = re.compile(r"(\w+): \$\{\{ vars\.\w+ \|\| '([^']*)' \}\}")


def check(compiled: Compiled) -> Iterator[Problem]:
    """Yield outputs and parameters that are read and missing, and variables that disagree."""
    for path, form in _OUTPUTS.items():
        names = set(re.findall(form, compiled.text(path))) - _GIVEN
        for name in sorted(names - set(compiled.outline["main"]["outputs"])):
            yield Problem("main.bicep", f"{path} reads the output {name}; there is none.")
    given = set(re.findall(rf'"(\w+)": "{_NAME[1:-1]}",', compiled.text("infra/hooks.py")))
    for name in sorted(given - set(compiled.outline["events"]["parameters"])):
        yield Problem("events.bicep", f"infra/hooks.py gives {name}; there is no such parameter.")
    yield from _variables(compiled)


def _variables(compiled: Compiled) -> Iterator[Problem]:
    """Yield variables that files read for different parameters, or with different defaults."""
    variables: dict[str, str] = {}
    # GitHub gives an empty text for a variable that is not set, so its workflow has the defaults.
    defaults = dict(_DEFAULT.findall(compiled.text(_WORKFLOW)))
    for path in sorted((compiled.repository / "infra").glob("*.bicepparam")):
        for name, variable, default in _PARAMETER.findall(path.read_text("utf-8")):
            if (other := variables.setdefault(name, variable)) != variable:
                text = f"{name} is read from {variable}; another file reads {other}."
                yield Problem(path.name, text)
            if (there := defaults.get(variable, default)) != default:
                text = f"{variable} is {default!r} by default; {_WORKFLOW} has {there!r}."
                yield Problem(path.name, text)
