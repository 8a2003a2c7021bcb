"""Mutation operators: every small fault that the tests of a module must find.

The operators are those of Offutt, Lee, Rothermel, Untch and Zapf 1996 (relational, logical and
arithmetic operators, constants, statements), and of the fields that records have: a keyword
argument that is left out, a result that is None, a message that is empty.
"""

import ast
import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
}
_SWAPPED = {"min": "max", "max": "min", "any": "all", "all": "any"}
_TEXT = "mutated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """A fault in one file: the bytes from `start` to `end` become `after`.

    `scope` is the qualified name of the function or class, "" for a module; `before` is the code
    in the normal form of `ast.unparse`. Line numbers change; scope, before and after seldom do.
    """

    line: int
    scope: str
    before: str
    after: str
    start: int
    end: int

    def apply(self, source: str) -> str:
        """Return the source with the fault."""
        data = source.encode()
        return (data[: self.start] + self.after.encode() + data[self.end :]).decode()


def find_mutants(source: str) -> tuple[Mutant, ...]:
    """Return the mutants of a module in the order of its lines, each once.

    Docstrings, annotations, decorators and imports have no mutants: they decide nothing at run time
    that a type checker or another test would not see.
    """
    finder = _Finder(source)
    finder.walk(ast.parse(source))
    unique = {(m.start, m.end, m.after): m for m in finder.found}
    return tuple(sorted(unique.values(), key=lambda m: (m.line, m.start, m.end, m.after)))


class _Finder:
    def __init__(self, source: str) -> None:
        self.found: list[Mutant] = []
        self._scope: list[str] = []
        self._starts = [0]
        for line in source.encode().splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))

    def walk(self, node: ast.AST) -> None:
        """Collect the mutants of a node and of the nodes within it."""
        for before, after in _replacements(node):
            self._add(before, after)
        named = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            self._scope.append(node.name)
        for child in _children(node):
            self.walk(child)
        if named:
            self._scope.pop()

    def _add(self, before: ast.expr | ast.stmt, after: ast.expr | ast.stmt) -> None:
        assert before.end_lineno is not None
        assert before.end_col_offset is not None
        text = ast.unparse(after)
        self.found.append(
            Mutant(
                line=before.lineno,
                scope=".".join(self._scope),
                before=ast.unparse(before),
                # Brackets, because the code beside it may bind more strongly.
                after=f"({text})" if isinstance(after, ast.expr) else text,
                start=self._starts[before.lineno - 1] + before.col_offset,
                end=self._starts[before.end_lineno - 1] + before.end_col_offset,
            )
        )


def _children(node: ast.AST) -> Iterator[ast.AST]:
    """Return the nodes below this one that have mutants."""
    # The positions within an f-string are right only from Python 3.12 on.
    if isinstance(node, ast.JoinedStr | ast.Import | ast.ImportFrom):
        return
    docstring = _docstring(node)
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "type_comment", "bases"):
            continue
        for child in value if isinstance(value, list) else [value]:
            negative = isinstance(node, ast.UnaryOp) and isinstance(child, ast.Constant)
            if isinstance(child, ast.AST) and child is not docstring and not negative:
                yield child


def _docstring(node: ast.AST) -> ast.AST | None:
    if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        first = node.body[0] if node.body else None
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
            return first
    return None


_Replacement = tuple[ast.expr | ast.stmt, ast.expr | ast.stmt]


def _replacements(node: ast.AST) -> Iterator[_Replacement]:
    if isinstance(node, ast.stmt):
        yield from _of_statement(node)
    elif isinstance(node, ast.comprehension):
        yield from _of_conditions(node.ifs)
    elif isinstance(node, ast.expr):
        for after in _of_expression(node):
            yield node, after
        if isinstance(node, ast.IfExp):
            yield from _of_conditions([node.test])


def _of_statement(node: ast.stmt) -> Iterator[_Replacement]:
    if isinstance(node, ast.If):
        yield from _of_conditions([node.test])
    elif isinstance(node, ast.While):
        yield node.test, ast.Constant(False)
    elif isinstance(node, ast.Return):
        if node.value is not None and not isinstance(node.value, ast.Constant):
            yield node, ast.Return(ast.Constant(None))
    elif isinstance(node, ast.Raise) or (
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    ):
        yield node, ast.Pass()
    elif isinstance(node, ast.Continue):
        yield node, ast.Break()
    elif isinstance(node, ast.Break):
        yield node, ast.Continue()
    elif isinstance(node, ast.AugAssign):
        yield node, ast.Pass()
        if type(node.op) in _ARITHMETIC:
            yield node, ast.AugAssign(node.target, _ARITHMETIC[type(node.op)](), node.value)


def _of_conditions(tests: Sequence[ast.expr]) -> Iterator[_Replacement]:
    for test in tests:
        yield test, ast.Constant(True)
        yield test, ast.Constant(False)


def _of_expression(node: ast.expr) -> Iterator[ast.expr]:
    match node:
        case ast.Compare():
            for place, op in enumerate(node.ops):
                for other in _COMPARISONS[type(op)]:
                    changed = copy.deepcopy(node)
                    changed.ops[place] = other()
                    yield changed
        case ast.BoolOp():
            swapped = ast.Or() if isinstance(node.op, ast.And) else ast.And()
            yield ast.BoolOp(swapped, node.values)
            for place in range(len(node.values)):
                left = [*node.values[:place], *node.values[place + 1 :]]
                yield left[0] if len(left) == 1 else ast.BoolOp(node.op, left)
        case ast.UnaryOp(op=ast.Not() | ast.USub()):
            yield node.operand
        case ast.BinOp() if type(node.op) in _ARITHMETIC:
            yield ast.BinOp(node.left, _ARITHMETIC[type(node.op)](), node.right)
        case ast.Call():
            yield from _of_call(node)
        case ast.Subscript(slice=ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=1))):
            yield ast.Subscript(node.value, ast.Constant(0), node.ctx)
        case ast.JoinedStr():
            yield ast.Constant("")
        case ast.Constant():
            yield from _of_constant(node.value)


def _of_call(node: ast.Call) -> Iterator[ast.expr]:
    for place, keyword in enumerate(node.keywords):
        if keyword.arg is not None:
            left = [*node.keywords[:place], *node.keywords[place + 1 :]]
            yield ast.Call(node.func, node.args, left)
    if isinstance(node.func, ast.Name) and node.func.id in _SWAPPED:
        swapped = ast.Name(_SWAPPED[node.func.id], ast.Load())
        yield ast.Call(swapped, node.args, node.keywords)


def _of_constant(value: object) -> Iterator[ast.expr]:
    match value:
        case bool():
            yield ast.Constant(not value)
        case int():
            yield ast.Constant(value + 1)
        case float():
            yield ast.Constant(value * 2 if value else 1.0)
        case str():
            yield ast.Constant("" if value else _TEXT)
