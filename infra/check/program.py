"""All Bicep files of a folder, parsed, with the modules that they use."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.check.parser import parse
from infra.check.problems import BicepSyntaxError, Problem
from infra.check.syntax import BicepFile, Declaration, Expression, children


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """The files by their path below the folder, which is also where text is loaded from."""

    root: Path
    files: Mapping[str, BicepFile]

    def templates(self) -> tuple[BicepFile, ...]:
        """Return the .bicep files."""
        return tuple(f for path, f in self.files.items() if path.endswith(".bicep"))

    def parameter_files(self) -> tuple[BicepFile, ...]:
        """Return the .bicepparam files."""
        return tuple(f for path, f in self.files.items() if path.endswith(".bicepparam"))

    def target(self, source: BicepFile, path: str) -> str:
        """Return the path of a file that `source` names relative to itself."""
        folder = self.root / Path(source.path).parent
        return (folder / path).resolve().relative_to(self.root.resolve()).as_posix()

    def module(self, source: BicepFile, declaration: Declaration) -> BicepFile | None:
        """Return the file of a module."""
        try:
            return self.files.get(self.target(source, declaration.type))
        except ValueError:
            return None


def load(root: Path) -> tuple[Program, list[Problem]]:
    """Return the files that parse, and the problems of those that do not."""
    files: dict[str, BicepFile] = {}
    problems: list[Problem] = []
    found = sorted(p for p in root.rglob("*.bicep*") if p.suffix in (".bicep", ".bicepparam"))
    for path in found:
        name = path.relative_to(root).as_posix()
        try:
            files[name] = parse(name, path.read_text(encoding="utf-8"))
        except BicepSyntaxError as error:
            problems.append(Problem(path=name, line=error.line, text=error.text))
    if not found:
        problems.append(Problem(path=".", line=0, text=f"{root} holds no Bicep file."))
    return Program(root=root, files=files), problems


def walk(expression: Expression | None) -> Iterator[Expression]:
    """Yield an expression and everything in it."""
    if expression is not None:
        yield expression
        for child in children(expression):
            yield from walk(child)


def expressions(file: BicepFile) -> Iterator[Expression]:
    """Yield every expression of a file."""
    for declaration in file.declarations:
        for part in (declaration.value, declaration.condition, *declaration.decorators):
            yield from walk(part)
