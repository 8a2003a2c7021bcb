"""Secrets in resources, parameters and outputs: there may be none, not even a name of one."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from infra.check.arm import Compiled, Problem, leaves

SECRET_NAME = re.compile(r"key$|keys$|secret|passw|token|sas$|connectionstring|credential", re.I)
_TEXT = re.compile(r"AccountKey=|SharedAccess|[?&]sig=|-----BEGIN|Password=", re.I)
_CALL = re.compile(r"\[.*\b(?:list[A-Z]\w*|list|getSecret)\(")
# It names an endpoint; the resource takes no keys.
_HARMLESS = {"monitoring.outputs.connectionString"}


def check(compiled: Compiled) -> Iterator[Problem]:
    """Yield every secret."""
    for configuration in compiled.configurations.values():
        for resource in configuration.resources:
            for path, value in leaves(resource.raw):
                for item in value if isinstance(value, list) else (value,):
                    text = f"{resource.label}: {path} {{}}. Use an identity or a reference."
                    if _CALL.match(str(item)):
                        yield Problem(path=configuration.path, text=text.format("reads a secret"))
                    if _TEXT.search(str(item)):
                        yield Problem(path=configuration.path, text=text.format("looks like a key"))
    for name in ("main", "events"):
        for text in _declared(compiled.outline[name]):
            yield Problem(path=f"{name}.bicep", text=text)


def _declared(template: Mapping[str, Any], module: str = "") -> Iterator[str]:
    """Yield parameters and outputs of a template and its modules that are or look like secrets."""
    for name, kind in template["parameters"].items():
        if kind.startswith("secure"):
            yield f"{module}{name} is a secret parameter. Use an identity or a reference."
        elif kind.startswith("string") and SECRET_NAME.search(name):
            yield f"The parameter {module}{name} looks like a secret."
    for name, value in template["outputs"].items():
        if SECRET_NAME.search(name) and f"{module}outputs.{name}" not in _HARMLESS:
            yield f"The output {module}{name} looks like a secret."
        if _CALL.match(str(value)):
            yield f"The output {module}{name} reads a secret."
    for name, inner in template.get("modules", {}).items():
        yield from _declared(inner, f"{name}.")
