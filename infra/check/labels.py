"""Ids and expressions of the compiler as short labels, which are alike in each environment.

A label is an id without its subscription, its providers, and the suffix and the environment that
end names: `id-app`, `stdata/versions`, `rg-staging`. A value that only Azure knows has angle
brackets: `[reference('/subscriptions/…/id-app-<suffix>').clientId]` is `<id-app.clientId>`.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from infra.check.choices import INFRA

Json = Mapping[str, Any]
_ID = re.compile(r"/subscriptions/[^/]+(?:/resourceGroups/([^/]+))?(.*)")
_GUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
_QUERIES = {p.read_text("utf-8"): f"<{p.name}>" for p in (INFRA / "queries").glob("*.kql")}
# A call whose arguments are texts, and the members that are taken of its value.
_CALL = re.compile(r"(\w+)\(((?:'[^']*'(?:, '[^']*')*)?)\)([\w.]*)")


def shorten(resources: Sequence[Json]) -> list[Any]:
    """Return resources of one snapshot with labels for ids, and without expressions."""
    text = json.dumps(resources)
    sites = [r["name"] for r in resources if r["type"] == "Microsoft.Web/sites"]
    tags = [r["tags"]["azd-env-name"] for r in resources if "azd-env-name" in (r.get("tags") or {})]
    if sites and tags:
        suffix = sites[0].rpartition("-")[2]
        # `evgt-mlops-<suffix>` keeps its `mlops` in the environment `mlops` too.
        text = re.sub(rf"-{tags[0]}(?![\w]|-{suffix})|-?{suffix}", "", text)
    return [_map(plain, resource) for resource in json.loads(text)]


def label(body: Json) -> str:
    """Return the label of a resource: its id, and its name where the id does not end with it."""
    id, name = body["id"], body["name"].replace("/default", "")
    if id.startswith("["):  # an expression that is not known
        id = name
    return _GUID.sub("guid", id if id.endswith(name) else f"{id} named {name}")


def _map(change: Callable[[str], str], value: Any) -> Any:
    """Return a JSON value with every text in it changed, those of keys too."""
    if isinstance(value, Mapping):
        return {change(key): _map(change, inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_map(change, inner) for inner in value]
    return change(value) if isinstance(value, str) else value


def plain(text: str) -> str:
    """Return a text without expressions and ids, and the name of a file for a query.

    An expression that is not known stays as it is.
    """
    if text.startswith("["):
        value, before = text[1:-1], ""
        while value != before:
            value, before = _CALL.sub(_evaluate, value), value
        text = value[1:-1] if re.fullmatch("'[^']*'", value) else text
    if not (matched := _ID.fullmatch(text)):
        return _QUERIES.get(text, text)
    group, rest = matched.groups()
    below = re.sub(r"/providers/[^/]+", "", rest).split("/")[2::2]
    names = [name for name in below if name != "default"]
    return "/".join([*([] if names and group == "rg" else [group or "subscription"]), *names])


def _evaluate(call: re.Match[str]) -> str:
    """Return the value of a call as a text in quotes, or the call itself."""
    function, arguments, members = call[1], re.findall(r"'([^']*)'", call[2]), call[3]
    match function, arguments:
        case "environment", []:
            value = {".suffixes.storage": "core.windows.net"}.get(members, f"<{members}>")
        case "reference", [id, *_]:
            value = f"<{plain(id)}{members}>"
        case "resourceId", [subscription, group, kind, *names]:
            provider, *kinds = kind.split("/")
            value = f"/subscriptions/{subscription}/resourceGroups/{group}/providers/{provider}"
            value += "".join(f"/{one}/{name}" for one, name in zip(kinds, names, strict=True))
        case "extensionResourceId", [scope, kind, name]:
            value = f"{scope}/providers/{kind}/{name}"
        case "format", [text, *values]:
            value = text.format(*values)
        case "replace", [text, old, new]:
            value = text.replace(old, new)
        case "guid", _:
            value = "guid"
        case _:
            return call[0]
    return f"'{value}'"
