"""What a template comes to for given parameters, as far as it can be known without Azure."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from infra.check.functions import PURE, SURROUNDINGS, Unknown, text_of_value
from infra.check.program import Program
from infra.check.syntax import (
    Array,
    BicepFile,
    Call,
    Declaration,
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

Values = Mapping[str, Any]


class EvaluationError(Exception):
    """An expression that cannot come to a value, with its line."""

    def __init__(self, line: int, text: str) -> None:
        super().__init__(text)
        self.line, self.text = line, text


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A resource that the template makes, with what is known of it."""

    path: str
    line: int
    symbol: str
    type: str
    name: Any
    body: Any


class Instance:
    """One file with its parameters: symbols are worked out when they are asked for."""

    def __init__(
        self, program: Program, file: BicepFile, values: Values, environ: Mapping[str, str]
    ) -> None:
        self._program, self.file, self._environ = program, file, environ
        self._values = dict(values)
        self._known: dict[str, Any] = {}

    def resources(self) -> Iterator[Resource]:
        """Yield every resource of this file and of its modules that its conditions let be."""
        for declaration in self.file.declarations:
            if declaration.kind not in ("resource", "module") or declaration.existing:
                continue
            if declaration.condition and self.value(declaration.condition) is False:
                continue
            if declaration.kind == "module":
                yield from self._module(declaration).resources()
            else:
                yield from self._made(declaration)

    def output(self, name: str) -> Any:
        """Return an output."""
        for declaration in self.file.of("output"):
            if declaration.name == name and declaration.value is not None:
                return self.value(declaration.value)
        return Unknown(name)

    def symbol(self, name: str, line: int) -> Any:
        """Return what a symbol stands for."""
        if name not in self._known:
            declaration = self.file.find(name)
            if declaration is None:
                raise EvaluationError(line, f"{name} is not declared.")
            self._known[name] = Unknown(name)  # a cycle ends here
            self._known[name] = self._work_out(declaration)
        return self._known[name]

    def _work_out(self, declaration: Declaration) -> Any:
        name = declaration.name
        if declaration.kind == "param":
            if name in self._values:
                return self._values[name]
            return Unknown(name) if declaration.value is None else self.value(declaration.value)
        if declaration.kind == "module":
            instance = self._module(declaration)
            outputs = {
                entry.name: instance.output(entry.name) for entry in instance.file.of("output")
            }
            return {"outputs": outputs, "name": name}
        if declaration.kind == "resource":
            made = [self._reference(r) for r in self._made(declaration)]
            return made if isinstance(declaration.value, Loop) else made[0]
        return None if declaration.value is None else self.value(declaration.value)

    def _reference(self, resource: Resource) -> dict[str, Any]:
        kind, name = resource.type.partition("@")[0], resource.name
        return {"id": f"/{kind}/{text_of_value(name)}", "name": name}

    def _module(self, declaration: Declaration) -> "Instance":
        file = self._program.module(self.file, declaration)
        body = declaration.body()
        if file is None or body is None:
            raise EvaluationError(declaration.line, f"{declaration.type} is no module here.")
        params = body.get("params")
        values = {} if params is None else self.value(params)
        return Instance(self._program, file, values, self._environ)

    def _made(self, declaration: Declaration) -> Iterator[Resource]:
        body = declaration.body()
        if body is None or declaration.value is None:
            return
        scopes: list[Values] = [{}]
        if isinstance(declaration.value, Loop):
            scopes = self._rounds(declaration.value, {})
        for scope in scopes:
            values = self.value(body, scope)
            yield Resource(
                path=self.file.path,
                line=declaration.line,
                symbol=declaration.name,
                type=declaration.type,
                name=values.get("name"),
                body=values,
            )

    def _rounds(self, loop: Loop, scope: Values) -> list[Values]:
        source = self.value(loop.source, scope)
        if not isinstance(source, list):
            return []
        rounds: list[Values] = []
        for index, item in enumerate(source):
            inner = {**scope, loop.item: item}
            if loop.index:
                inner[loop.index] = index
            if loop.condition is None or self.value(loop.condition, inner) is not False:
                rounds.append(inner)
        return rounds

    def value(self, node: Expression, scope: Values | None = None) -> Any:
        """Return the value of an expression; `scope` holds the names of loops and lambdas."""
        scope = scope or {}
        match node:
            case Literal(value=value):
                return value
            case Interpolation(parts=parts):
                values = [p if isinstance(p, str) else self.value(p, scope) for p in parts]
                if any(isinstance(v, Unknown) for v in values):
                    return Unknown("".join(map(text_of_value, values)))
                return "".join(map(text_of_value, values))
            case Name(name=name, line=line):
                return scope[name] if name in scope else self.symbol(name, line)
            case Property(base=base, name=name):
                return self._member(self.value(base, scope), name, node)
            case Index(base=base, index=index):
                return self._member(self.value(base, scope), self.value(index, scope), node)
            case Array(items=items):
                return [self.value(item, scope) for item in items]
            case Loop():
                return [self.value(node.body, inner) for inner in self._rounds(node, scope)]
            case Object():
                return self._object(node, scope)
            case Operation():
                return self._operation(node, scope)
            case Call():
                return self._call(node, scope)
            case Lambda():
                raise EvaluationError(node.line, "A lambda stands where a value is wanted.")

    def _object(self, node: Object, scope: Values) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for entry in node.entries:
            value = self.value(entry.value, scope)
            if entry.key is None:
                found.update(value if isinstance(value, dict) else {})
            else:
                found[text_of_value(self.value(entry.key, scope))] = value
        return found

    def _member(self, base: Any, key: Any, node: Expression) -> Any:
        if isinstance(base, dict) and key in base:
            return base[key]
        if isinstance(base, list) and isinstance(key, int) and key < len(base):
            return base[key]
        if isinstance(base, dict) and ("id" in base or "outputs" in base):
            return Unknown(f"{base.get('name')}.{key}")
        if isinstance(base, Unknown) or isinstance(key, Unknown):
            return Unknown(f"{base}.{key}")
        raise EvaluationError(node.line, f"There is no {key} in {text_of_value(base)[:80]}.")

    def _operation(self, node: Operation, scope: Values) -> Any:
        first = self.value(node.operands[0], scope)
        if node.operator == "?:":
            chosen = node.operands[2] if first is False else node.operands[1]
            return self.value(chosen, scope)
        if node.operator == "&&" and first is False:
            return False
        if node.operator == "||" and first is True:
            return True
        rest = [self.value(operand, scope) for operand in node.operands[1:]]
        if any(isinstance(value, Unknown) for value in (first, *rest)):
            return Unknown(node.operator)
        if not rest:
            return not first if node.operator == "!" else -first
        return _BINARY[node.operator](first, rest[0])

    def _call(self, node: Call, scope: Values) -> Any:
        if node.name == "toObject":
            return self._to_object(node, scope)
        if node.name in SURROUNDINGS:
            return SURROUNDINGS[node.name]
        values = [self.value(argument, scope) for argument in node.arguments]
        if node.name == "readEnvironmentVariable":
            return self._environ.get(values[0], *values[1:])
        if node.name in ("loadTextContent", "loadJsonContent"):
            return self._load(node, str(values[0]))
        function = PURE.get(node.name)
        if node.base is not None or function is None:
            raise EvaluationError(node.line, f"{node.name} is no function known here.")
        if any(isinstance(value, Unknown) for value in values):
            return Unknown(node.name)
        return function(*values)

    def _load(self, node: Call, path: str) -> Any:
        try:
            text = (self._program.root / self._program.target(self.file, path)).read_text("utf-8")
            return json.loads(text) if node.name == "loadJsonContent" else text
        except (OSError, ValueError) as error:
            raise EvaluationError(node.line, f"{path} cannot be loaded.") from error

    def _to_object(self, node: Call, scope: Values) -> Any:
        source = self.value(node.arguments[0], scope)
        if isinstance(source, Unknown):
            return source
        made = {}
        for item in source:
            key, value = (
                self.value(part.body, {**scope, part.names[0]: item})
                for part in node.arguments[1:]
                if isinstance(part, Lambda)
            )
            made[text_of_value(key)] = value
        return made


_BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "=~": lambda a, b: a.lower() == b.lower(),
    "!~": lambda a, b: a.lower() != b.lower(),
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: int(a / b),  # towards zero, as in C#
    "%": lambda a, b: a - b * int(a / b),
    "&&": lambda a, b: a and b,
    "||": lambda a, b: a or b,
    "??": lambda a, b: b if a is None else a,
}


def instantiate(program: Program, parameters: BicepFile, environ: Mapping[str, str]) -> Instance:
    """Return the template of a .bicepparam file with the values that it gives."""
    template = program.files[program.target(parameters, parameters.using)]
    reader = Instance(program, parameters, {}, environ)
    values = {
        entry.name: reader.value(entry.value)
        for entry in parameters.of("param")
        if entry.value is not None
    }
    return Instance(program, template, values, environ)
