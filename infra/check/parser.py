"""Bicep files -> declarations: the part of the grammar that this repository uses."""

from infra.check.expressions import ExpressionParser
from infra.check.problems import BicepSyntaxError
from infra.check.syntax import BicepFile, Call, Declaration, Expression, Literal
from infra.check.tokens import tokenize

TYPES = ("string", "int", "bool", "object", "array")
SCOPES = ("resourceGroup", "subscription", "managementGroup", "tenant")


def parse(path: str, text: str) -> BicepFile:
    """Return the declarations of a file, or raise BicepSyntaxError with the line."""
    return _FileParser(path, text).file()


class _FileParser(ExpressionParser):
    def __init__(self, path: str, text: str) -> None:
        super().__init__(tokenize(text))
        self._path = path

    def file(self) -> BicepFile:
        scope, using, using_line = "resourceGroup", "", 0
        declarations: list[Declaration] = []
        self.skip_lines()
        while self.token.kind != "end":
            if self.sees_word("targetScope"):
                scope = self._scope()
            elif self.sees_word("using"):
                using_line = self.advance().line
                using = self._plain_text("the path of a .bicep file")
            else:
                declarations.append(self._declaration())
            self._end_of_line()
        self._refuse_duplicates(declarations)
        return BicepFile(
            path=self._path,
            scope=scope,
            using=using,
            using_line=using_line,
            declarations=tuple(declarations),
        )

    def _end_of_line(self) -> None:
        if self.token.kind not in ("newline", "end"):
            raise self.fail("the end of the line")
        self.skip_lines()

    def _scope(self) -> str:
        line = self.advance().line
        self.expect("=")
        scope = self._plain_text("a scope")
        if scope not in SCOPES:
            raise BicepSyntaxError(line, f"targetScope {scope!r} is none of {', '.join(SCOPES)}.")
        return scope

    def _plain_text(self, wanted: str) -> str:
        if self.token.kind != "string" or len(self.token.parts) != 1:
            raise self.fail(wanted)
        return self.advance().text

    def _declaration(self) -> Declaration:
        decorators = self._decorators()
        token = self.token
        read = {
            "param": self._param,
            "var": self._var,
            "output": self._output,
            "resource": self._resource,
            "module": self._module,
        }.get(token.text)
        if token.kind != "name" or read is None:
            raise self.fail("param, var, resource, module, output, targetScope or using")
        self.advance()
        return read(token.line, decorators)

    def _decorators(self) -> tuple[Call, ...]:
        found: list[Call] = []
        while self.sees("@"):
            line = self.advance().line
            name = self.name()
            if self.sees("."):
                self.advance()
                name = self.name()
            found.append(Call(line=line, base=None, name=name, arguments=self.arguments()))
            self.skip_lines()
        return tuple(found)

    def _type(self) -> str:
        line, name = self.token.line, self.name()
        if name not in TYPES:
            raise BicepSyntaxError(line, f"The type {name!r} is none of {', '.join(TYPES)}.")
        while self.sees("["):
            self.advance()
            self.expect("]")
            name += "[]"
        if self.sees("?"):
            self.advance()
            name += "?"
        return name

    def _param(self, line: int, decorators: tuple[Call, ...]) -> Declaration:
        name = self.name()
        # A .bicepparam assigns, a .bicep declares a type and perhaps a default.
        kind = "" if self.sees("=") else self._type()
        value = None
        if self.sees("="):
            self.advance()
            value = self.expression()
        return Declaration(
            line=line, kind="param", name=name, type=kind, value=value, decorators=decorators
        )

    def _var(self, line: int, decorators: tuple[Call, ...]) -> Declaration:
        name = self.name()
        self.expect("=")
        return Declaration(
            line=line, kind="var", name=name, value=self.expression(), decorators=decorators
        )

    def _output(self, line: int, decorators: tuple[Call, ...]) -> Declaration:
        name, kind = self.name(), self._type()
        self.expect("=")
        value = self.expression()
        return Declaration(
            line=line, kind="output", name=name, type=kind, value=value, decorators=decorators
        )

    def _resource(self, line: int, decorators: tuple[Call, ...]) -> Declaration:
        name = self.name()
        kind = self._plain_text("'Type@version'")
        if kind.count("@") != 1 or "/" not in kind:
            raise BicepSyntaxError(line, f"{kind!r} is not of the form 'Provider/type@version'.")
        existing = self.sees_word("existing")
        if existing:
            self.advance()
        condition, value = self._body()
        return Declaration(
            line=line,
            kind="resource",
            name=name,
            type=kind,
            existing=existing,
            condition=condition,
            value=value,
            decorators=decorators,
        )

    def _module(self, line: int, decorators: tuple[Call, ...]) -> Declaration:
        name, path = self.name(), self._plain_text("the path of a module")
        condition, value = self._body()
        return Declaration(
            line=line,
            kind="module",
            name=name,
            type=path,
            condition=condition,
            value=value,
            decorators=decorators,
        )

    def _body(self) -> tuple[Expression | None, Expression]:
        self.expect("=")
        condition = self.condition() if self.sees_word("if") else None
        if not self.sees("{", "["):
            raise self.fail("an object or a loop")
        return condition, self.expression()

    def _refuse_duplicates(self, declarations: list[Declaration]) -> None:
        seen: set[tuple[bool, str]] = set()
        for entry in declarations:
            key = (entry.kind == "output", entry.name)
            if key in seen:
                raise BicepSyntaxError(entry.line, f"{entry.name} is declared twice.")
            seen.add(key)


def text_of(expression: Expression | None) -> str | None:
    """Return the text of a literal string."""
    if isinstance(expression, Literal) and isinstance(expression.value, str):
        return expression.value
    return None
