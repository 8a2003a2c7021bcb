"""The table of roles (roles.json) against the assignments of each configuration, and its page.

A swapped principal, a wider scope or a role without a reason is an assignment without a row. The
page is docs/reference/roles.md.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

from function_app.ports import Ports
from infra.check.arm import Assignment, Compiled, Configuration, Problem, problems
from infra.check.choices import CHOICES

Table = Mapping[str, Any]  # the content of roles.json
FILE = "roles.json"
_TEMPLATE = Path(__file__).with_name("roles.template.md")
_ADAPTER = re.compile(r"function_app/adapters/azure/(?:\w+/)*(\w+)\.py")
# A condition of Azure (version 2.0) on reading blobs; their names may be listed.
_BLOBS = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs"
_PATH = f"@Resource[{_BLOBS}:path]"
_OTHERS = f"!(ActionMatches{{'{_BLOBS}/read'}} AND NOT SubOperationMatches{{'Blob.List'}})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The reason of a role; `when` names the traits of the configurations that have it.

    With `reads` the role has a condition: only blobs whose names match a pattern are read.
    """

    identity: str
    role: str
    id: str
    scope: str
    operation: str = ""
    by: str = ""
    when: str = ""
    reads: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.role} for {self.identity} on {self.scope}"


Rows = tuple[Row, ...]


@cache
def read_table(root: Path) -> Table:
    """Return roles.json: rows, labels and titles of identities, labels of scopes, and words."""
    return dict(json.loads((root / FILE).read_text("utf-8")))


def read_rows(root: Path) -> Rows:
    """Return the rows of the table."""
    entries = read_table(root)["assignments"]
    return tuple(Row(**{**entry, "reads": tuple(entry.get("reads", ()))}) for entry in entries)


def check(compiled: Compiled) -> Iterator[Problem]:
    """Yield rows that are not assigned, assignments without a row, and adapters without either."""
    root = compiled.repository / "infra"
    table, rows = read_table(root), read_rows(root)
    for configuration in compiled.configurations.values():
        yield from problems(configuration.path, _differences(configuration, table, rows))
    yield from problems(FILE, _reasons(rows, compiled.repository), _adapters(table, rows))


def _differences(configuration: Configuration, table: Table, rows: Rows) -> Iterator[str]:
    expected = {
        _assignment(row, table, configuration): row
        for row in rows
        if configuration.name in CHOICES and configuration.choice.holds(row.when)
    }
    assigned = Counter(configuration.assignments())
    names = {row.id: row.role for row in rows}
    for given, times in sorted(assigned.items()):
        text = f"{names.get(given.role, given.role)} for {given}"
        if given not in expected:
            yield f"{text} has no reason in {FILE}."
        if times > 1:
            yield f"{text} is assigned twice."
    for wanted, row in expected.items():
        if wanted not in assigned:
            yield f"{row} is not assigned; the app needs it to {row.operation}."


def _assignment(row: Row, table: Table, configuration: Configuration) -> Assignment:
    paths = " OR ".join(f"{_PATH} StringLike '{pattern}'" for pattern in row.reads)
    others = ("condition", f"(({_OTHERS}) OR ({paths}))"), ("conditionVersion", "2.0")
    type_variable = f"MLOPS_{row.identity.upper()}_TYPE"
    return Assignment(
        principal=table["identities"].get(row.identity, {"label": "?"})["label"],
        role=row.id,
        scope=table["scopes"].get(row.scope, "?"),
        principal_type=configuration.choice.environ.get(type_variable, "ServicePrincipal"),
        others=others if row.reads else (),
    )


def _reasons(rows: Rows, repository: Path) -> Iterator[str]:
    """Yield rows without a reason, with a file that is not there, and one id for two roles."""
    names: dict[str, str] = {}
    for row in rows:
        if not row.operation.strip() or not row.by.strip():
            yield f"{row}: `operation` and `by` must say what needs the role."
        for path in re.findall(r"\b\w+(?:/\w+)*\.py\b", row.by):
            if not (repository / path).is_file():
                yield f"{row}: {path} is not a file."
        if names.setdefault(row.id, row.role) != row.role:
            yield f"{row}: {row.id} is {names[row.id]}."
        if not any(choice.holds(row.when) for choice in CHOICES.values()):
            yield f"{row}: no configuration has the condition {row.when!r}."


def _adapters(table: Table, rows: Rows) -> Iterator[str]:
    """Hold the table to the ports: the adapter of each has a role or a reason to have none.

    The file of an adapter has the name of its port; other files serve adapters.
    """
    named = {module for row in rows for module in _ADAPTER.findall(row.by)} | set(table["without"])
    ports = {port.name for port in fields(Ports)}
    for module in sorted(named - ports):
        yield f"{module}.py is the adapter of no port."
    for port in sorted(ports - named):
        yield f"{port}.py has neither a row in `assignments` nor a reason in `without`."


def write_page(root: Path) -> str:
    """Return the page of the table."""
    without = "\n".join(f"- {port}: {why}" for port, why in read_table(root)["without"].items())
    return _TEMPLATE.read_text("utf-8").format(roles="\n".join(_tables(root)), without=without)


def _tables(root: Path) -> Iterator[str]:
    rows, table = read_rows(root), read_table(root)
    for identity in dict.fromkeys(row.identity for row in rows):
        title = table["identities"][identity]["title"]
        yield f"## {title}\n\n| to | role | on | when |\n|---|---|---|---|"
        for row in (row for row in rows if row.identity == identity):
            by = row.by.replace("function_app/adapters/azure/", "")
            when = table["when"].get(row.when, row.when)
            only = f", only {', '.join(f'`{path}`' for path in row.reads)}" if row.reads else ""
            role = f"{row.role} `{row.id}`{only}"
            yield f"| {row.operation} ({by}) | {role} | `{row.scope}` | {when} |"
        yield ""
