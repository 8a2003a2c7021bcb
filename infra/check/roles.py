"""The table of roles (roles.json) against what the templates assign, both ways."""

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from infra.check.parser import text_of
from infra.check.problems import Problem
from infra.check.program import Program
from infra.check.render import render
from infra.check.syntax import BicepFile, Call, Declaration, Expression, Loop, Name, Object

FILE = "roles.json"
ADAPTERS = "function_app/adapters/azure"
_ASSIGNMENT = "Microsoft.Authorization/roleAssignments"
_ADAPTER = re.compile(r"function_app/adapters/azure/\w+\.py")
# Files whose assignments have no scope property are deployed into this group.
_GROUPS = {"modules/staging-roles.bicep": "stagingGroup"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Who needs which role where, for which operation; `when` is the template's condition."""

    operation: str
    by: str
    identity: str
    role: str
    id: str
    scope: str
    when: str

    @property
    def key(self) -> tuple[str, str, str, str]:
        return (self.identity, self.id, self.scope, self.when)

    def __str__(self) -> str:
        return f"{self.role} for {self.identity} on {self.scope}"


def read_rows(root: Path) -> tuple[Row, ...]:
    """Return the rows of the table."""
    table = json.loads((root / FILE).read_text("utf-8"))
    return tuple(Row(**entry) for entry in table["assignments"])


def check(program: Program, repository: Path) -> Iterator[Problem]:
    """Yield rows that are not assigned, assignments without a row, and adapters without either."""
    rows = read_rows(program.root)
    assigned: dict[tuple[str, str, str, str], tuple[str, int]] = {}
    outer = _conditions(program)
    for file in program.templates():
        for declaration in file.of("resource"):
            if declaration.type.startswith(_ASSIGNMENT + "@"):
                key = _assignment(file, declaration, outer.get(file.path, ""))
                assigned[key] = (file.path, declaration.line)
    table = {row.key: row for row in rows}
    lines = (program.root / FILE).read_text("utf-8").splitlines()
    for key, row in table.items():
        if key not in assigned:
            line = next((n for n, text in enumerate(lines, 1) if row.operation in text), 1)
            text = f"{row} ({row.when or 'always'}) is not assigned; needed to {row.operation}."
            yield Problem(path=FILE, line=line, text=text)
    for key, (path, line) in assigned.items():
        if key not in table:
            identity, role, scope, when = key
            what = f"The role {role} for {identity} on {scope} ({when or 'always'})"
            text = f"{what} has no row in {FILE}."
            yield Problem(path=path, line=line, text=text)
    yield from _adapters(program.root, repository, rows)


def _conditions(program: Program) -> dict[str, str]:
    """Return the condition of each module that has one, by the module's path."""
    return {
        program.target(file, declaration.type): render(declaration.condition)
        for file in program.templates()
        for declaration in file.of("module")
        if declaration.condition is not None
    }


def _assignment(file: BicepFile, declaration: Declaration, outer: str) -> tuple[str, str, str, str]:
    body = declaration.body()
    properties = body.get("properties") if body else None
    if not isinstance(properties, Object) or body is None:
        return ("?", "?", "?", "?")
    scope = body.get("scope")
    place = scope.name if isinstance(scope, Name) else _GROUPS.get(file.path, "?")
    inner = render(declaration.condition) if declaration.condition else ""
    when = " && ".join(filter(None, (outer, inner)))
    principal = properties.get("principalId")
    identity = principal.name if isinstance(principal, Name) else "?"
    if isinstance(declaration.value, Loop):
        when = "each"
        identity = render(declaration.value.source).removesuffix("PrincipalIds")
    return (
        identity.removesuffix("PrincipalId"),
        _role(file, properties.get("roleDefinitionId")),
        place,
        when,
    )


def _role(file: BicepFile, definition: Expression | None) -> str:
    if not isinstance(definition, Call) or not definition.arguments:
        return "?"
    last = definition.arguments[-1]
    if isinstance(last, Name):
        declared = file.find(last.name)
        return text_of(declared.value if declared else None) or "?"
    return text_of(last) or "?"


def _adapters(root: Path, repository: Path, rows: tuple[Row, ...]) -> Iterator[Problem]:
    """Hold the table to the ports: each adapter has a role or a reason to have none."""
    without = json.loads((root / FILE).read_text("utf-8"))["without"]
    named = {path for row in rows for path in _ADAPTER.findall(row.by)} | set(without)
    ports = {f"{ADAPTERS}/{port}.py" for port in _ports(repository)}
    for path in sorted(named - ports):
        yield Problem(path=FILE, line=1, text=f"{path} is the adapter of no port.")
    for path in sorted(ports - named):
        text = f"{path} has neither a row in `assignments` nor a reason in `without`."
        yield Problem(path=FILE, line=1, text=text)


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
