"""docs/reference/api.md: every route of the HTTP API, from the OpenAPI document of the app."""

from typing import Any

from function_app.composition import ANONYMOUS_ROUTES, ROUTES
from function_app.triggers.openapi import describe as openapi
from reference.markdown import table

_HEAD = """\
# HTTP API

All paths are below `/api`. `GET /api/openapi.json` is this API as an OpenAPI 3.1 document. Every
route but those marked *none* needs a function key in `x-functions-key` (in Azure, and locally with
`--auth`). A route marked *person* also needs `Authorization: Bearer <token>`. Bodies are JSON; an
unknown field is refused. [Errors](errors.md) lists every code.

This page is written by `python -m reference` from the routes themselves.
"""


def describe() -> str:
    """Return the whole page."""
    document = openapi([*ROUTES, *ANONYMOUS_ROUTES])
    anonymous = {f"/{path}" for _, path, _ in ANONYMOUS_ROUTES}
    rows = [
        (f"`{method.upper()}`", f"`{path}`", operation["summary"],
         _fields(operation), _credentials(path in anonymous, operation))
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    ]  # fmt: skip
    head = ("method", "path", "what it does", "body and query", "credentials")
    statuses = document["paths"]["/events"]["post"]["responses"].items()
    return "\n".join(
        [
            _HEAD,
            *table(head, rows),
            "## Statuses",
            "",
            *table(("status", "meaning"), [(s, f"{r['description']}.") for s, r in statuses]),
        ]
    )


def _credentials(anonymous: bool, operation: dict[str, Any]) -> str:
    if anonymous:
        return "none; the webhook's own proof"
    return "key and person" if "security" in operation else "key"


def _fields(operation: dict[str, Any]) -> str:
    """Return the fields of the body and of the query; required ones in bold."""
    names = [f"`?{p['name']}=`" for p in operation["parameters"] if p["in"] == "query"]
    body = operation.get("requestBody")
    if body is None:
        return ", ".join(names)
    schema = body["content"]["application/json"]["schema"]
    required = schema.get("required", [])
    fields = [
        f"**`{name}`**" if name in required else f"`{name}`"
        for name in schema.get("properties", ())
    ]
    return ", ".join([*(fields or ["an event, or a list of events"]), *names])
