"""Every value of every resource against expected.json, both ways.

The compiler does not see another identity, container or SKU, an open firewall, a log that is off:
to it all are texts. The table has each value once more, with labels for ids (arm.py). A key is a
label, or `*` for each resource of the type; after `?` are the conditions (traits) under which its
row counts. A later row overrides an earlier one; null means that the value is absent.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from infra.check.arm import ASSIGNMENT, Compiled, Configuration, Problem, leaves
from infra.check.choices import holds

FILE = "expected.json"
# Names, and texts that people read. names.py checks regions, roles.py the assignments of roles.
_FREE = re.compile(
    r"apiVersion|id|name|type|location|tags\.(azd-env-name|product)|"
    r"properties\.(displayName|description|friendlyName|serializedData)|.*\.query"
)

Rows = Mapping[str, Mapping[str, Any]]


def check(compiled: Compiled, root: Path) -> Iterator[Problem]:
    """Yield each resource and value that the table does not name, or names otherwise."""
    table: Mapping[str, Mapping[str, Rows]] = json.loads((root / FILE).read_text("utf-8"))
    for configuration in compiled.configurations.values():
        section = configuration.name if configuration.name in table else "main"
        for text in _differences(configuration, table[section]):
            yield Problem(path=configuration.path, text=text)


def _differences(configuration: Configuration, types: Mapping[str, Rows]) -> Iterator[str]:
    made = {(r.type, r.label): r for r in configuration.resources if r.type != ASSIGNMENT}
    expected = {
        (kind, label)
        for kind, rows in types.items()
        for label, _, when in (key.partition("?") for key in rows)
        if label != "*" and holds(when, configuration.traits)
    }
    for kind, label in sorted(expected - set(made)):
        yield f"{label} ({kind}) is not made."
    for (kind, label), resource in made.items():
        if (kind, label) not in expected:
            yield f"{label} ({kind}) is made; no row of {FILE} names it."
            continue
        wanted: dict[str, Any] = {}
        for key, values in types[kind].items():
            name, _, when = key.partition("?")
            if name in ("*", label) and holds(when, configuration.traits):
                wanted |= values
        values = {path: value for path, value in leaves(resource.body) if not _FREE.fullmatch(path)}
        for path in sorted({*wanted, *values}):
            there, value = (json.dumps(one.get(path)) for one in (wanted, values))
            if wanted.get(path) is None and value != "null":
                yield f"{label} ({kind}): {path} is {value}; no row of {FILE} names it."
            elif there != value:
                yield f"{label} ({kind}): {path} must be {there}, not {value}."
