"""What a Bicep file consists of: expressions and declarations, each with its line."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """Anything that stands on a line."""

    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Literal(Node):
    """Text without interpolation, a whole number, true, false or null."""

    value: str | int | bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpolation(Node):
    """Text with expressions in it."""

    parts: "tuple[str | Expression, ...]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Name(Node):
    """A symbol."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Property(Node):
    """`base.name`; also `base?.name` and `base::name`."""

    base: "Expression"
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Index(Node):
    """`base[index]`."""

    base: "Expression"
    index: "Expression"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Node):
    """A function, or a method of `base`."""

    base: "Expression | None"
    name: str
    arguments: "tuple[Expression, ...]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation(Node):
    """An operator with one to three operands."""

    operator: str
    operands: "tuple[Expression, ...]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry(Node):
    """One `key: value` of an object; a spread has no key."""

    key: "Expression | None"
    value: "Expression"


@dataclass(frozen=True, slots=True, kw_only=True)
class Object(Node):
    """`{ … }`."""

    entries: tuple[Entry, ...]

    def get(self, name: str) -> "Expression | None":
        """Return the value under a literal key."""
        for entry in self.entries:
            if isinstance(entry.key, Literal) and entry.key.value == name:
                return entry.value
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Array(Node):
    """`[ … ]`."""

    items: "tuple[Expression, ...]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop(Node):
    """`[for item in source: body]`, with an index or a condition perhaps."""

    item: str
    index: str | None
    source: "Expression"
    condition: "Expression | None"
    body: "Expression"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lambda(Node):
    """`(a, b) => body`."""

    names: tuple[str, ...]
    body: "Expression"


Expression = (
    Literal
    | Interpolation
    | Name
    | Property
    | Index
    | Call
    | Operation
    | Object
    | Array
    | Loop
    | Lambda
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration(Node):
    """A param, var, resource, module or output."""

    kind: str
    name: str
    value: Expression | None
    # The type of a param or output, `Type@version` of a resource, the path of a module.
    type: str = ""
    existing: bool = False
    condition: Expression | None = None
    decorators: tuple[Call, ...] = ()

    def decorator(self, name: str) -> Call | None:
        """Return the decorator of this name."""
        return next((call for call in self.decorators if call.name == name), None)

    def body(self) -> Object | None:
        """Return the object of a resource or module, that of each round for a loop."""
        value = self.value.body if isinstance(self.value, Loop) else self.value
        return value if isinstance(value, Object) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class BicepFile:
    """One .bicep or .bicepparam file."""

    path: str
    scope: str = "resourceGroup"
    using: str = ""
    using_line: int = 0
    declarations: tuple[Declaration, ...] = field(default=())

    def of(self, kind: str) -> tuple[Declaration, ...]:
        """Return the declarations of one kind."""
        return tuple(entry for entry in self.declarations if entry.kind == kind)

    def find(self, name: str) -> Declaration | None:
        """Return the declaration of this symbol; outputs have a namespace of their own."""
        named = (d for d in self.declarations if d.name == name and d.kind != "output")
        return next(named, None)


def children(node: Expression) -> tuple[Expression, ...]:
    """Return the expressions directly inside of one."""
    match node:
        case Interpolation(parts=parts):
            return tuple(part for part in parts if not isinstance(part, str))
        case Property(base=base):
            return (base,)
        case Index(base=base, index=index):
            return (base, index)
        case Call(base=base, arguments=arguments):
            return arguments if base is None else (base, *arguments)
        case Operation(operands=operands):
            return operands
        case Object(entries=entries):
            keys = tuple(entry.key for entry in entries if entry.key is not None)
            return (*keys, *(entry.value for entry in entries))
        case Array(items=items):
            return items
        case Loop(source=source, condition=condition, body=body):
            return (source, body) if condition is None else (source, condition, body)
        case Lambda(body=body):
            return (body,)
        case _:
            return ()
