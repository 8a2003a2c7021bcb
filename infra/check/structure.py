"""Symbols, modules and parameters: what the compiler would refuse first."""

from collections.abc import Iterator

from infra.check.functions import DECORATORS, FUNCTIONS
from infra.check.problems import Problem
from infra.check.program import Program, expressions, walk
from infra.check.syntax import (
    BicepFile,
    Call,
    Declaration,
    Expression,
    Lambda,
    Literal,
    Loop,
    Name,
    Object,
    Property,
    children,
)

_RESOURCE_KEYS = {
    "name", "location", "tags", "kind", "sku", "identity", "properties", "scope", "parent",
    "dependsOn", "zones",
}  # fmt: skip
_MODULE_KEYS = {"name", "scope", "params", "dependsOn"}


def check(program: Program) -> Iterator[Problem]:
    """Yield what is not declared, not used, not there or not asked for."""
    for file in program.files.values():
        yield from _symbols(file)
        yield from _keys(file)
        if file.path.endswith(".bicepparam"):
            yield from _parameter_file(program, file)
        else:
            yield from _unused(file)
            yield from _cycles(file)
            for declaration in file.of("module"):
                yield from _module(program, file, declaration)


def _problem(file: BicepFile, line: int, text: str) -> Problem:
    return Problem(path=file.path, line=line, text=text)


def _symbols(file: BicepFile) -> Iterator[Problem]:
    declared = {entry.name for entry in file.declarations if entry.kind != "output"}
    for declaration in file.declarations:
        for call in declaration.decorators:
            if call.name not in DECORATORS:
                yield _problem(file, call.line, f"@{call.name} is no decorator known here.")
        for part in (declaration.value, declaration.condition):
            if part is not None:
                yield from _unresolved(file, part, declared)


def _unresolved(file: BicepFile, node: Expression, known: set[str]) -> Iterator[Problem]:
    if isinstance(node, Name) and node.name not in known:
        yield _problem(file, node.line, f"{node.name} is not declared.")
    if isinstance(node, Call) and (node.base is not None or node.name not in FUNCTIONS):
        yield _problem(file, node.line, f"{node.name}() is no function known here.")
    inner = known
    if isinstance(node, Loop):
        yield from _unresolved(file, node.source, known)
        inner = known | {node.item} | ({node.index} if node.index else set())
        rest = (node.body,) if node.condition is None else (node.condition, node.body)
        for child in rest:
            yield from _unresolved(file, child, inner)
        return
    if isinstance(node, Lambda):
        inner = known | set(node.names)
    for child in children(node):
        yield from _unresolved(file, child, inner)


def _keys(file: BicepFile) -> Iterator[Problem]:
    for declaration in file.declarations:
        body = declaration.body() if declaration.kind in ("resource", "module") else None
        if body is None:
            continue
        allowed = _MODULE_KEYS if declaration.kind == "module" else _RESOURCE_KEYS
        for entry in body.entries:
            key = entry.key.value if isinstance(entry.key, Literal) else None
            if key not in allowed:
                text = f"{declaration.name}: {key} is no part of a {declaration.kind}."
                yield _problem(file, entry.line, text)
        if body.get("name") is None:
            yield _problem(file, declaration.line, f"{declaration.name} has no name.")


def _unused(file: BicepFile) -> Iterator[Problem]:
    used = {node.name for node in expressions(file) if isinstance(node, Name)}
    for declaration in file.declarations:
        spare = declaration.kind in ("param", "var") or declaration.existing
        if spare and declaration.name not in used:
            yield _problem(file, declaration.line, f"{declaration.name} is not used.")


def _cycles(file: BicepFile) -> Iterator[Problem]:
    uses = {
        entry.name: {
            node.name
            for part in (entry.value, entry.condition)
            for node in walk(part)
            if isinstance(node, Name)
        }
        for entry in file.declarations
        if entry.kind != "output"
    }
    for declaration in file.declarations:
        seen: set[str] = set()
        open_names = list(uses.get(declaration.name, ())) if declaration.kind != "output" else []
        while open_names:
            name = open_names.pop()
            if name not in seen:
                seen.add(name)
                open_names += uses.get(name, ())
        if declaration.name in seen:
            yield _problem(file, declaration.line, f"{declaration.name} depends on itself.")


def _module(program: Program, file: BicepFile, declaration: Declaration) -> Iterator[Problem]:
    module = program.module(file, declaration)
    body = declaration.body()
    if module is None or body is None:
        yield _problem(file, declaration.line, f"There is no module {declaration.type}.")
        return
    params = body.get("params")
    given = params.entries if isinstance(params, Object) else ()
    lines: dict[object, int] = {
        entry.key.value: entry.line for entry in given if isinstance(entry.key, Literal)
    }
    yield from _parameters(file, declaration.line, module, lines)
    if file.scope == "subscription" and module.scope == "resourceGroup" and not body.get("scope"):
        yield _problem(file, declaration.line, f"{declaration.name} needs the scope of a group.")
    outputs = {entry.name for entry in module.of("output")}
    for node in expressions(file):
        match node:
            case Property(base=Property(base=Name(name=name), name="outputs"), name=output):
                if name == declaration.name and output not in outputs:
                    text = f"{declaration.type} has no output {output}."
                    yield _problem(file, node.line, text)


def _parameters(
    file: BicepFile, line: int, target: BicepFile, given: dict[object, int]
) -> Iterator[Problem]:
    params = {entry.name: entry for entry in target.of("param")}
    for name, at in given.items():
        if name not in params:
            yield _problem(file, at, f"{target.path} has no param {name}.")
    for name, entry in params.items():
        if name not in given and entry.value is None and not entry.type.endswith("?"):
            yield _problem(file, line, f"The param {name} of {target.path} is missing.")


def _parameter_file(program: Program, file: BicepFile) -> Iterator[Problem]:
    try:
        target = program.files.get(program.target(file, file.using)) if file.using else None
    except ValueError:
        target = None
    if target is None:
        yield _problem(file, file.using_line or 1, f"There is no template {file.using!r} to use.")
        return
    given: dict[object, int] = {entry.name: entry.line for entry in file.of("param")}
    yield from _parameters(file, file.using_line, target, given)
