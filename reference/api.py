"""docs/reference/api.md: every route of the HTTP API with the types of its bodies and answers."""

import re

from reference.markdown import table
from reference.openapi import JSON, Schema, document

_HEAD = """\
# HTTP API

All paths are below `/api`. `GET /api/openapi.json` is this API as an OpenAPI 3.1 document. Every
route but those marked *none* needs a function key in `x-functions-key` (in Azure, and locally with
`--auth`). A route marked *person* also needs `Authorization: Bearer <token>`. Bodies are JSON; an
unknown field is refused. An answer has every field of its type, except empty optional fields.
[Errors](errors.md) lists every code.

This page is written by `python -m reference` from the routes and their types.
"""


def describe() -> str:
    """Return the whole page."""
    content = document()
    operations = [
        (method.upper(), path, operation)
        for path, each in content["paths"].items()
        for method, operation in each.items()
    ]
    components = content["components"]["schemas"]
    rows = [
        (
            f"`{method}`",
            f"`{path}`",
            operation["summary"],
            _fields(operation, components),
            _answers(operation),
            _credentials(operation),
        )
        for method, path, operation in operations
    ]
    head = ("method", "path", "what it does", "body and query", "answer", "credentials")
    statuses = {
        status: response["description"]
        for _, _, operation in operations
        for status, response in operation["responses"].items()
    }
    return "\n".join(
        [
            _HEAD,
            *table(head, rows),
            "## Statuses",
            "",
            *table(("status", "meaning"), [(s, f"{statuses[s]}.") for s in sorted(statuses)]),
            "## Types",
            "",
            *(line for name in components for line in _type(name, components[name])),
        ]
    )


def _credentials(operation: Schema) -> str:
    if "security" not in operation:
        return "key"
    return "key and person" if operation["security"] else "none; the webhook's own proof"


def _fields(operation: Schema, components: Schema) -> str:
    """Return the fields of the body and of the query; required ones in bold."""
    names = [f"`?{p['name']}=`" for p in operation["parameters"] if p["in"] == "query"]
    body = operation.get("requestBody")
    if body is None:
        return ", ".join(names)
    schema = body["content"][JSON]["schema"]
    if "$ref" not in schema:
        return ", or ".join(_shown(each) for each in schema["anyOf"])
    kind = components[schema["$ref"].rpartition("/")[2]]
    fields = [
        f"**`{name}`**" if name in kind["required"] else f"`{name}`" for name in kind["properties"]
    ]
    return ", ".join([*fields, *names])


def _answers(operation: Schema) -> str:
    """Return each status of a success with its type, and the statuses of the errors."""
    successes = [
        f"{status} {_contents(response['content'])}"
        for status, response in operation["responses"].items()
        if status < "400"
    ]
    errors = " ".join(status for status in operation["responses"] if status >= "400")
    return f"{', '.join(successes)}; {errors}"


def _contents(content: Schema) -> str:
    if content.get(JSON, {}).get("schema", {}).keys() & {"$ref", "anyOf"}:
        return _shown(content[JSON]["schema"])
    return " or ".join(f"`{media.partition(';')[0]}`" for media in content)


def _type(name: str, schema: Schema) -> list[str]:
    """Return the section of a type: its description, and its fields or values."""
    text = re.sub(r"\s+", " ", schema.get("description", "").replace("<", "\\<"))
    lines = [f"### {name}", "", *([text, ""] if text else [])]
    if "enum" in schema:
        return [*lines, ", ".join(f"`{value}`" for value in schema["enum"]), ""]
    rows = [
        (
            f"`{field}`" if field in schema.get("required", ()) else f"`{field}` (optional)",
            _shown(s),
        )
        for field, s in schema["properties"].items()
    ]
    return [*lines, *(table(("field", "type"), rows) if rows else ["No fields.", ""])]


def _shown(schema: Schema) -> str:
    """Return a schema in a few words, with links to the types of this page."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        # GitHub leaves dots out of the anchor of a heading.
        anchor = name.lower().replace(".", "")
        return f"[{name}](#{anchor})"
    if "anyOf" in schema:
        return " or ".join(_shown(each) for each in schema["anyOf"])
    if "const" in schema or "enum" in schema:
        values = schema.get("enum") or [schema["const"]]
        return " or ".join(f"`{value}`" for value in values)
    kind = schema.get("type", "any value")
    if kind == "array":
        return f"list of {_shown(schema['items'])}" if schema.get("items") else "list"
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"object of {_shown(schema['additionalProperties'])}"
    words = " or ".join(kind) if isinstance(kind, list) else kind
    return "time in UTC" if schema.get("format") == "date-time" else words
