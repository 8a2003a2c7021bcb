"""Tokens -> expressions, by precedence; what it does not know is an error with its line."""

from infra.check.problems import BicepSyntaxError
from infra.check.syntax import (
    Array,
    Call,
    Entry,
    Expression,
    Index,
    Interpolation,
    Lambda,
    Literal,
    Loop,
    Name,
    Object,
    Operation,
    Property,
)
from infra.check.tokens import Token

_LEVELS = (
    ("??",),
    ("||",),
    ("&&",),
    ("==", "!=", "=~", "!~"),
    ("<", ">", "<=", ">="),
    ("+", "-"),
    ("*", "/", "%"),
)
_WORDS = {"true": True, "false": False, "null": None}


class ExpressionParser:
    """Reads expressions from a list of tokens."""

    def __init__(self, tokens: tuple[Token, ...]) -> None:
        self._tokens, self._at = tokens, 0

    @property
    def token(self) -> Token:
        """The token that comes next."""
        return self._tokens[self._at]

    def advance(self) -> Token:
        """Take the next token."""
        token = self._tokens[self._at]
        self._at += 1
        return token

    def fail(self, wanted: str) -> BicepSyntaxError:
        """Return the error that says what was wanted here."""
        found = self.token.text.strip() or self.token.kind
        return BicepSyntaxError(self.token.line, f"Expected {wanted}, found {found!r}.")

    def sees(self, *marks: str) -> bool:
        """Tell whether one of these marks comes next."""
        return self.token.kind == "mark" and self.token.text in marks

    def sees_word(self, word: str) -> bool:
        """Tell whether this word comes next."""
        return self.token.kind == "name" and self.token.text == word

    def expect(self, mark: str) -> Token:
        """Take this mark or fail."""
        if not self.sees(mark):
            raise self.fail(f"{mark!r}")
        return self.advance()

    def name(self) -> str:
        """Take a name or fail."""
        if self.token.kind != "name":
            raise self.fail("a name")
        return self.advance().text

    def skip_lines(self) -> None:
        """Skip line ends."""
        while self.token.kind == "newline":
            self.advance()

    def expression(self) -> Expression:
        """Read one expression; a conditional may go on over line ends."""
        line = self.token.line
        condition = self._binary(0)
        if not self._continues("?"):
            return condition
        self.skip_lines()
        self.expect("?")
        self.skip_lines()
        then = self.expression()
        self.skip_lines()
        self.expect(":")
        self.skip_lines()
        return Operation(line=line, operator="?:", operands=(condition, then, self.expression()))

    def _continues(self, *marks: str) -> bool:
        at = self._at
        while self._tokens[at].kind == "newline":
            at += 1
        token = self._tokens[at]
        return token.kind == "mark" and token.text in marks

    def _binary(self, level: int) -> Expression:
        if level == len(_LEVELS):
            return self._unary()
        left = self._binary(level + 1)
        while self.sees(*_LEVELS[level]):
            operator = self.advance()
            self.skip_lines()
            operands = (left, self._binary(level + 1))
            left = Operation(line=operator.line, operator=operator.text, operands=operands)
        return left

    def _unary(self) -> Expression:
        if self.sees("!", "-"):
            operator = self.advance()
            operands = (self._unary(),)
            return Operation(line=operator.line, operator=operator.text, operands=operands)
        return self._postfix(self._primary())

    def _postfix(self, base: Expression) -> Expression:
        while True:
            line = self.token.line
            if self.sees(".", "?.", "::"):
                self.advance()
                name = self.name()
                if self.sees("("):
                    base = Call(line=line, base=base, name=name, arguments=self.arguments())
                else:
                    base = Property(line=line, base=base, name=name)
            elif self.sees("[", "[?"):
                self.advance()
                index = self.expression()
                self.expect("]")
                base = Index(line=line, base=base, index=index)
            elif self.sees("!") and not self._continues("!="):
                self.advance()
            else:
                return base

    def arguments(self) -> tuple[Expression, ...]:
        """Read `(a, b)`."""
        self.expect("(")
        found: list[Expression] = []
        self.skip_lines()
        while not self.sees(")"):
            found.append(self.expression())
            self.skip_lines()
            if not self.sees(")"):
                self.expect(",")
                self.skip_lines()
        self.expect(")")
        return tuple(found)

    def _primary(self) -> Expression:
        token = self.token
        if token.kind == "string":
            return self._text(self.advance())
        if token.kind == "number":
            return Literal(line=token.line, value=int(self.advance().text))
        if token.kind == "name":
            return self._word(self.advance())
        if self.sees("{"):
            return self.object()
        if self.sees("["):
            return self._array()
        if self.sees("("):
            return self._parenthesis()
        raise self.fail("an expression")

    def _word(self, token: Token) -> Expression:
        if token.text in _WORDS:
            return Literal(line=token.line, value=_WORDS[token.text])
        if self.sees("("):
            return Call(line=token.line, base=None, name=token.text, arguments=self.arguments())
        if self.sees("=>"):
            return self._lambda((token.text,))
        return Name(line=token.line, name=token.text)

    def _lambda(self, names: tuple[str, ...]) -> Expression:
        line = self.expect("=>").line
        self.skip_lines()
        return Lambda(line=line, names=names, body=self.expression())

    def _parenthesis(self) -> Expression:
        self.expect("(")
        self.skip_lines()
        inner = self.expression()
        self.skip_lines()
        if not self.sees(","):
            self.expect(")")
            return inner
        names = [inner]
        while self.sees(","):
            self.advance()
            names.append(self.expression())
        self.expect(")")
        if not all(isinstance(entry, Name) for entry in names):
            raise self.fail("the names of a lambda's arguments")
        return self._lambda(tuple(entry.name for entry in names if isinstance(entry, Name)))

    def _text(self, token: Token) -> Expression:
        if len(token.parts) == 1 and isinstance(token.parts[0], str):
            return Literal(line=token.line, value=token.parts[0])
        parts: list[str | Expression] = []
        for part in token.parts:
            if isinstance(part, str):
                parts.append(part)
            else:
                end = Token(kind="end", text="", line=token.line)
                inner = ExpressionParser((*part, end))
                parts.append(inner.expression())
                if inner.token.kind != "end":
                    raise inner.fail("the end of the interpolation")
        return Interpolation(line=token.line, parts=tuple(parts))

    def object(self) -> Object:
        """Read `{ key: value … }`, by lines or commas."""
        line = self.expect("{").line
        entries: list[Entry] = []
        self._separators()
        while not self.sees("}"):
            entries.append(self._entry())
            if not self.sees("}"):
                self._separator()
        self.expect("}")
        return Object(line=line, entries=tuple(entries))

    def _entry(self) -> Entry:
        token = self.token
        if self.sees("..."):
            self.advance()
            return Entry(line=token.line, key=None, value=self.expression())
        if token.kind == "string":
            key = self._text(self.advance())
        else:
            key = Literal(line=token.line, value=self.name())
        self.expect(":")
        self.skip_lines()
        return Entry(line=token.line, key=key, value=self.expression())

    def _separator(self) -> None:
        if not self.sees(",") and self.token.kind != "newline":
            raise self.fail("a comma or a new line")
        self._separators()

    def _separators(self) -> None:
        while self.sees(",") or self.token.kind == "newline":
            self.advance()

    def _array(self) -> Expression:
        line = self.expect("[").line
        self._separators()
        if self.sees_word("for"):
            return self._loop(line)
        items: list[Expression] = []
        while not self.sees("]"):
            items.append(self.expression())
            if not self.sees("]"):
                self._separator()
        self.expect("]")
        return Array(line=line, items=tuple(items))

    def _loop(self, line: int) -> Loop:
        self.advance()
        index = None
        if self.sees("("):
            self.advance()
            item = self.name()
            self.expect(",")
            index = self.name()
            self.expect(")")
        else:
            item = self.name()
        if not self.sees_word("in"):
            raise self.fail("'in'")
        self.advance()
        source = self.expression()
        self.expect(":")
        self.skip_lines()
        condition = self.condition() if self.sees_word("if") else None
        body = self.expression()
        self.skip_lines()
        self.expect("]")
        return Loop(
            line=line, item=item, index=index, source=source, condition=condition, body=body
        )

    def condition(self) -> Expression:
        """Read `if (…)`."""
        self.advance()
        self.expect("(")
        self.skip_lines()
        found = self.expression()
        self.skip_lines()
        self.expect(")")
        return found
