"""Expressions -> text, for comparing conditions and for messages."""

from infra.check.syntax import Call, Expression, Index, Literal, Name, Operation, Property


def render(node: Expression) -> str:
    """Return the Bicep of a simple expression."""
    match node:
        case Name(name=name):
            return name
        case Literal(value=value):
            return f"'{value}'" if isinstance(value, str) else str(value).lower()
        case Property(base=base, name=name):
            return f"{render(base)}.{name}"
        case Index(base=base, index=index):
            return f"{render(base)}[{render(index)}]"
        case Call(name=name, arguments=arguments):
            return f"{name}({', '.join(map(render, arguments))})"
        case Operation(operator="?:", operands=(condition, then, other)):
            return f"{render(condition)} ? {render(then)} : {render(other)}"
        case Operation(operator=operator, operands=(only,)):
            return f"{operator}{render(only)}"
        case Operation(operator=operator, operands=(left, right)):
            return f"{render(left)} {operator} {render(right)}"
        case _:
            return "…"
