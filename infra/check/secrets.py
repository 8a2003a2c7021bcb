"""Secrets in resources, parameters and outputs: there may be none, not even a name of one."""

import re
from collections.abc import Iterator

from infra.check.arm import Compiled, Problem, leaves

SECRET_NAME = re.compile(r"key$|keys$|secret|passw|token|sas$|connectionstring|credential", re.I)
_FAULTS = {
    "reads a secret": re.compile(r"\[.*\b(?:list[A-Z]\w*|list|getSecret)\("),
    "looks like a key": re.compile(r"AccountKey=|SharedAccess|[?&]sig=|-----BEGIN|Password=", re.I),
}
_DECLARED = re.compile(r"(?:.*\.)?(?:parameters|outputs)\.(\w+)")
_SECURE = ("securestring", "secureobject")
# It names an endpoint; the resource takes no keys.
_HARMLESS = {"main.modules.monitoring.outputs.connectionString"}


def check(compiled: Compiled) -> Iterator[Problem]:
    """Yield every secret."""
    for configuration in compiled.configurations.values():
        for resource in configuration.resources:
            for path, value in resource.values.items():
                for fault in _faults(value):
                    text = f"{resource.label}: {path} {fault}. Use an identity or a reference."
                    yield Problem(configuration.path, text)
    for path, value in leaves(compiled.outline):
        if declared := _DECLARED.fullmatch(path):
            for fault in _faults(value):
                yield Problem("main.bicep", f"{path} {fault}. Use an identity or a reference.")
            if SECRET_NAME.search(declared[1]) and path not in _HARMLESS:
                yield Problem("main.bicep", f"The name {path} is that of a secret.")
            if str(value).lower().startswith(_SECURE):
                yield Problem("main.bicep", f"{path} is a secret parameter. Use an identity.")


def _faults(value: object) -> list[str]:
    return [fault for fault, form in _FAULTS.items() if form.search(str(value))]
