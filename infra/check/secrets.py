"""Secrets in resources, parameters and outputs: there may be none, not even a name of one."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from infra.check.arm import Compiled, Problem, leaves, problems

SECRET_NAME = re.compile(r"key$|keys$|secret|passw|token|sas$|connectionstring|credential", re.I)
_FAULTS = {
    "reads a secret": re.compile(r"\[.*\b(?:list[A-Z]\w*|list|getSecret)\("),
    "looks like a key": re.compile(r"AccountKey=|SharedAccess|[?&]sig=|-----BEGIN|Password=", re.I),
}
_DECLARED = re.compile(r"(?:.*\.)?(?:parameters|outputs)\.(\w+)")
# It names an endpoint; the resource takes no keys.
_HARMLESS = {"main.modules.monitoring.outputs.connectionString"}


def check(compiled: Compiled) -> Iterator[Problem]:
    """Yield every secret."""
    for configuration in compiled.configurations.values():
        for resource in configuration.resources:
            texts = (f"{resource.label}: {text}" for text in _faults(resource.values))
            yield from problems(configuration.path, texts)
    declared = {p: value for p, value in leaves(compiled.outline) if _DECLARED.fullmatch(p)}
    yield from problems("main.bicep", _faults(declared))
    for path, value in declared.items():
        if SECRET_NAME.search(path.rpartition(".")[2]) and path not in _HARMLESS:
            yield Problem("main.bicep", f"The name {path} is that of a secret.")
        if str(value).lower().startswith(("securestring", "secureobject")):
            yield Problem("main.bicep", f"{path} is a secret parameter. Use an identity.")


def _faults(values: Mapping[str, Any]) -> Iterator[str]:
    for path, value in values.items():
        for fault, form in _FAULTS.items():
            if form.search(str(value)):
                yield f"{path} {fault}. Use an identity or a reference."
