"""Every value of every resource against expected.json, both ways.

The compiler does not see another identity, container or SKU, an open firewall, a log that is off:
to it all are texts. The table has each value once more, with labels for ids (labels.py). A key is a
label, or `*` for each resource of the type, which the rows of a label override. After `?` are the
conditions (traits) under which a row counts; a later row overrides an earlier one. A value that is
null is absent.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from infra.check.arm import ASSIGNMENT, Compiled, Configuration, Problem, problems

FILE = "expected.json"
# Names, and texts that people read. names.py checks regions, roles.py the assignments of roles.
_FREE = re.compile(
    r"apiVersion|id|name|type|location|tags\.(azd-env-name|product)|"
    r"properties\.(displayName|description|friendlyName|serializedData)"
)

Rows = Mapping[str, Mapping[str, Any]]


def check(compiled: Compiled) -> Iterator[Problem]:
    """Yield each resource and value that the table does not name, or names otherwise."""
    table: Mapping[str, Mapping[str, Rows]] = compiled.table(FILE)
    for configuration in compiled.configurations.values():
        types = table.get(configuration.name, table["main"])
        yield from problems(configuration.path, _differences(configuration, types))


def _differences(configuration: Configuration, types: Mapping[str, Rows]) -> Iterator[str]:
    made = {(r.type, r.label): r for r in configuration.resources if r.type != ASSIGNMENT}
    expected = defaultdict[tuple[str, str], dict[str, Any]](dict)
    for kind, rows in types.items():
        for key, row in rows.items():
            label, _, when = key.partition("?")
            if configuration.choice.holds(when):
                expected[kind, label] |= row
    for kind, label in sorted(name for name in {*made, *expected} if name[1] != "*"):
        resource = f"{label} ({kind})"
        if (kind, label) not in made:
            yield f"{resource} is not made."
        elif (kind, label) not in expected:
            yield f"{resource} is made; no row of {FILE} names it."
        else:
            wanted = {**expected.get((kind, "*"), {}), **expected[kind, label]}
            values = made[kind, label].values
            for path in sorted(p for p in {*wanted, *values} if not _FREE.fullmatch(p)):
                there, value = json.dumps(wanted.get(path)), json.dumps(values.get(path))
                if there == "null" != value:
                    yield f"{resource}: {path} is {value}; no row of {FILE} names it."
                elif there != value:
                    yield f"{resource}: {path} must be {there}, not {value}."
