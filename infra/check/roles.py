"""The table of roles (roles.json) against the assignments of each configuration, both ways.

A swapped principal, a wider scope or a role without a reason is an assignment without a row.
"""

import ast
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from infra.check.arm import Assignment, Compiled, Problem
from infra.check.choices import CHOICES, holds

Table = Mapping[str, Any]  # the content of roles.json
FILE = "roles.json"
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


@cache
def read_table(root: Path) -> Table:
    """Return roles.json: rows, labels and titles of identities, labels of scopes, and words."""
    table: Table = json.loads((root / FILE).read_text("utf-8"))
    return table


def read_rows(root: Path) -> tuple[Row, ...]:
    """Return the rows of the table."""
    return tuple(
        Row(**{**entry, "reads": tuple(entry.get("reads", ()))})
        for entry in read_table(root)["assignments"]
    )


def check(compiled: Compiled, root: Path, repository: Path) -> Iterator[Problem]:
    """Yield rows that are not assigned, assignments without a row, and adapters without either."""
    table, rows = read_table(root), read_rows(root)
    never = set(rows)
    for name, configuration in compiled.configurations.items():
        environ = CHOICES[name].environ if name in CHOICES else {}
        kinds = {
            "publisher": environ.get("MLOPS_PUBLISHER_TYPE", ""),
            "deployer": environ.get("MLOPS_DEPLOYER_TYPE", ""),
        }
        wanted = (
            {
                _assignment(row, table, kinds): row
                for row in rows
                if holds(row.when, configuration.traits)
            }
            if name in CHOICES
            else {}
        )
        assigned = list(configuration.assignments())
        for given in sorted(set(assigned)):
            if given not in wanted:
                text = f"{_describe(given, rows)} has no reason in {FILE}."
                yield Problem(path=configuration.path, text=text)
            if assigned.count(given) > 1:
                text = f"{_describe(given, rows)} is assigned twice."
                yield Problem(path=configuration.path, text=text)
        for expected, row in wanted.items():
            if expected not in assigned:
                text = f"{row} is not assigned; the app needs it to {row.operation}."
                yield Problem(path=configuration.path, text=text)
        never -= set(wanted.values())
    for row in sorted(never, key=str):
        yield Problem(path=FILE, text=f"{row}: no configuration has the condition {row.when!r}.")
    for text in (*_reasons(rows, repository), *_adapters(table, rows, repository)):
        yield Problem(path=FILE, text=text)


def _assignment(row: Row, table: Table, kinds: Mapping[str, str]) -> Assignment:
    paths = " OR ".join(f"{_PATH} StringLike '{pattern}'" for pattern in row.reads)
    return Assignment(
        principal=table["identities"].get(row.identity, {"label": "?"})["label"],
        role=row.id,
        scope=table["scopes"].get(row.scope, "?"),
        principal_type=kinds.get(row.identity) or "ServicePrincipal",
        condition=f"(({_OTHERS}) OR ({paths}))" if row.reads else "",
        others=(("conditionVersion", "2.0"),) if row.reads else (),
    )


def _describe(given: Assignment, rows: tuple[Row, ...]) -> str:
    role = next((row.role for row in rows if row.id == given.role), given.role)
    more = ", with a condition," if given.condition else ""
    more += "".join(f" ({name}: {value})" for name, value in given.others)
    return f"{role} for {given.principal} ({given.principal_type}) on {given.scope}{more}"


def _reasons(rows: tuple[Row, ...], repository: Path) -> Iterator[str]:
    """Yield rows that say no reason, name a file that is not there, or one id for two roles."""
    names: dict[str, str] = {}
    for row in rows:
        if not row.operation.strip() or not row.by.strip():
            yield f"{row}: `operation` and `by` must say what needs the role."
        for path in re.findall(r"\b\w+(?:/\w+)*\.py\b", row.by):
            if not (repository / path).is_file():
                yield f"{row}: {path} is not a file."
        if names.setdefault(row.id, row.role) != row.role:
            yield f"{row}: {row.id} is {names[row.id]}."


def _adapters(table: Table, rows: tuple[Row, ...], repository: Path) -> Iterator[str]:
    """Hold the table to the ports: the adapter of each has a role or a reason to have none."""
    named = {module for row in rows for module in _ADAPTER.findall(row.by)} | set(table["without"])
    ports = _ports(repository)
    for module in sorted(named - ports):
        yield f"{module}.py is the adapter of no port."
    for port in sorted(ports - named):
        yield f"{port}.py has neither a row in `assignments` nor a reason in `without`."


def _ports(repository: Path) -> set[str]:
    """Return the names of the ports: an adapter's file is called as its port, others serve them."""
    source = (repository / "function_app" / "ports" / "__init__.py").read_text("utf-8")
    [ports] = [
        node
        for node in ast.parse(source).body
        if isinstance(node, ast.ClassDef) and node.name == "Ports"
    ]
    return {
        node.target.id
        for node in ports.body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }
