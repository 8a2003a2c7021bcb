"""Bicep text -> tokens; a string keeps its interpolations as tokens of their own."""

import re
from dataclasses import dataclass

from infra.check.problems import BicepSyntaxError

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NUMBER = re.compile(r"[0-9]+")
# Longest first: `??` before `?`, `=>` before `=`.
_MARKS = (
    "...", "??", "?.", "[?", "==", "!=", "=~", "!~", "<=", ">=", "&&", "||", "=>", "::",
    "{", "}", "[", "]", "(", ")", ",", ":", ".", "?", "=", "!", "<", ">", "+", "-", "*", "/",
    "%", "@", "|",
)  # fmt: skip
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\", "'": "'", "$": "$"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """One word, number, mark, string or line end."""

    kind: str
    text: str
    line: int
    parts: "tuple[str | tuple[Token, ...], ...]" = ()


def tokenize(text: str) -> tuple[Token, ...]:
    """Return the tokens of a file, ended by an `end` token."""
    scanner = _Scanner(text)
    tokens = scanner.scan(closing=None)
    return (*tokens, Token(kind="end", text="", line=scanner.line))


class _Scanner:
    def __init__(self, text: str) -> None:
        self._text, self._at, self.line = text, 0, 1

    def scan(self, closing: str | None) -> tuple[Token, ...]:
        """Return tokens up to the end, or up to the `}` that closes an interpolation."""
        tokens: list[Token] = []
        depth = 0
        while self._at < len(self._text):
            if self._skip_blank():
                continue
            if self._text[self._at] == "\n":
                tokens.append(Token(kind="newline", text="\n", line=self.line))
                self._at, self.line = self._at + 1, self.line + 1
                continue
            token = self._next()
            if closing and token.kind == "mark":
                if token.text == closing and depth == 0:
                    return tuple(tokens)
                depth += {"{": 1, "}": -1}.get(token.text, 0)
            tokens.append(token)
        if closing:
            raise BicepSyntaxError(self.line, f"The interpolation is not closed by {closing}.")
        return tuple(tokens)

    def _skip_blank(self) -> bool:
        rest = self._text
        if rest[self._at] in " \t\r\ufeff":
            self._at += 1
        elif rest.startswith(("//", "#disable-next-line"), self._at):
            end = rest.find("\n", self._at)
            self._at = len(rest) if end < 0 else end
        elif rest.startswith("/*", self._at):
            end = rest.find("*/", self._at)
            if end < 0:
                raise BicepSyntaxError(self.line, "The comment is not closed.")
            self.line += rest.count("\n", self._at, end)
            self._at = end + 2
        else:
            return False
        return True

    def _next(self) -> Token:
        line = self.line
        if self._text.startswith("'''", self._at):
            return self._multi_line(line)
        if self._text[self._at] == "'":
            return self._string(line)
        for kind, pattern in (("name", _NAME), ("number", _NUMBER)):
            match = pattern.match(self._text, self._at)
            if match:
                self._at = match.end()
                return Token(kind=kind, text=match[0], line=line)
        for mark in _MARKS:
            if self._text.startswith(mark, self._at):
                self._at += len(mark)
                return Token(kind="mark", text=mark, line=line)
        raise BicepSyntaxError(line, f"{self._text[self._at]!r} is no part of Bicep.")

    def _multi_line(self, line: int) -> Token:
        end = self._text.find("'''", self._at + 3)
        if end < 0:
            raise BicepSyntaxError(line, "The multi-line string is not closed.")
        content = self._text[self._at + 3 : end]
        self.line += content.count("\n")
        self._at = end + 3
        return Token(kind="string", text=content, line=line, parts=(content.removeprefix("\n"),))

    def _string(self, line: int) -> Token:
        self._at += 1
        parts: list[str | tuple[Token, ...]] = []
        text = ""
        while self._at < len(self._text) and self._text[self._at] != "\n":
            character = self._text[self._at]
            if character == "'":
                self._at += 1
                return Token(kind="string", text=text, line=line, parts=(*parts, text))
            if self._text.startswith("${", self._at):
                self._at += 2
                parts += [text, self.scan(closing="}")]
                text = ""
            elif character == "\\":
                text += self._escape()
            else:
                text += character
                self._at += 1
        raise BicepSyntaxError(line, "The string is not closed on its line.")

    def _escape(self) -> str:
        letter = self._text[self._at + 1 : self._at + 2]
        if letter not in _ESCAPES:
            raise BicepSyntaxError(self.line, f"The escape \\{letter} is not one of Bicep's.")
        self._at += 2
        return _ESCAPES[letter]
