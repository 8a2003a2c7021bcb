"""Records the compiler's diagnostics of the bodies that the tests send.

Machines without the Bicep compiler read the record.

`RECORD_BODIES=FILE python -m pytest tests/adapters/azure tests/contracts`, then
`BICEP=... python -m tests.azure_servers.record FILE`.
"""

import copy
import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.azure_servers.bodies import IDENTITY, Resource, kind_of, leaves
from tests.azure_servers.compiler import (
    NO_COMPILER,
    READ_ONLY,
    VERSION,
    diagnostics,
    find_compiler,
)

RECORD = Path(__file__).with_name("bodies.json")
# The two ways of a body.
SENT, ANSWERED = "sent", "answered"
_PROBE = "zzNoSuchValue"
_ALLOWED = re.compile(r"'([^']+)'")
# Texts that differ from run to run.
_VOLATILE = (
    (re.compile(r"localhost:\d+"), "localhost"),
    # Files of a secret volume, with a key that is another one each time.
    (re.compile(r"[A-Za-z0-9+/]{200,}={0,2}"), "AA=="),
    (re.compile(r"[0-9a-f]{64}"), "0" * 64),
    (re.compile(r"\b[0-9a-f]{32}\b"), "0" * 32),
    (re.compile(r"20\d\d-\d\d-\d\d(T[\d:.]+)?"), "2026-01-01"),
    (re.compile(r"20\d\d-W?\d\d\b"), "2026-01"),
)


def main(path: Path) -> int:
    """Write the record again; return 1 when the compiler finds a fault."""
    compiler = find_compiler()
    if compiler is None:
        print(NO_COMPILER, file=sys.stderr)
        return 1
    lines = [json.loads(line) for line in sorted(set(path.read_text("utf-8").splitlines()))]
    record, bad = dict[str, Any](compiler=VERSION), list[str]()
    for way in (SENT, ANSWERED):
        resources = _distinct(Resource(**line["resource"]) for line in lines if line["way"] == way)
        bad += findings(compiler, resources, way)
        labels = sorted({r.label for r in resources})
        record[way] = {
            label: _define(compiler, [r for r in resources if r.label == label]) for label in labels
        }
    RECORD.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    print("\n".join(bad) or f"{len(lines)} bodies, no findings")
    return 1 if bad else 0


def findings(compiler: str, resources: list[Resource], way: str) -> list[str]:
    """Return the compiler's objections to these bodies; an answer may hold read-only fields."""
    return [
        f"{way} {resource.label} {resource.name}: {text}"
        for resource, texts in zip(resources, diagnostics(compiler, resources), strict=True)
        for text in texts
        if way == SENT or not text.startswith(READ_ONLY)
    ]


def recorded(way: str) -> list[Resource]:
    """Return the bodies of the record."""
    definitions = json.loads(RECORD.read_text("utf-8"))[way]
    return [
        Resource(type=label.partition("@")[0], version=label.partition("@")[2], **body)
        for label, definition in definitions.items()
        for body in definition["bodies"]
    ]


def _distinct(resources: Iterable[Resource]) -> list[Resource]:
    """Return the bodies of which each has a field, or a kind of value, that no earlier one has."""
    seen: set[tuple[str, str, str]] = set()
    kept = []
    for resource in resources:
        plain = _steady(resource)
        shape = {(plain.label, path, kind_of(value)) for path, value in leaves(_own(plain.body))}
        if not shape <= seen:
            seen |= shape
            kept.append(plain)
    return kept


def _steady(resource: Resource) -> Resource:
    text = json.dumps({"name": resource.name, "body": resource.body}, sort_keys=True)
    for pattern, replacement in _VOLATILE:
        text = pattern.sub(replacement, text)
    return Resource(type=resource.type, version=resource.version, **json.loads(text))


def _own(body: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in body.items() if key not in IDENTITY}


def _define(compiler: str, resources: list[Resource]) -> dict[str, Any]:
    """Return the definition, as far as these bodies use it; nonsense in each field reveals it."""
    maps = sorted({path for r in resources for path, _ in _objects(_own(r.body))})
    probes = [_first(resources, path, _with_stranger) for path in maps]
    open_maps = frozenset(
        path
        for path, found in zip(maps, diagnostics(compiler, probes), strict=True)
        if not any(_PROBE in text for text in found)
    )
    fields: dict[str, Any] = {}
    for resource in resources:
        for path, value in leaves(_own(resource.body), open_maps):
            fields.setdefault(path, set()).add(kind_of(value))
    texts = sorted(
        {path for r in resources for path, v in leaves(_own(r.body)) if isinstance(v, str)}
    )
    answers = diagnostics(compiler, [_first(resources, path, _with_nonsense) for path in texts])
    values: dict[str, list[str]] = {}
    for path, found in zip(texts, answers, strict=True):
        for text in found:
            if f"'{_PROBE}'" in text and "expected a value of type" in text.lower():
                listed = text.split("of type", 1)[1].split("but the provided", 1)[0]
                values[path] = sorted(_ALLOWED.findall(listed))
    return {
        "fields": {path: sorted(kinds) for path, kinds in fields.items()},
        "open": sorted(open_maps),
        "values": values,
        "bodies": [{"name": r.name, "body": r.body} for r in resources],
    }


def _objects(value: Any, path: str = "") -> Iterable[tuple[str, dict[str, Any]]]:
    if isinstance(value, dict):
        yield path, value
        for key, inner in value.items():
            yield from _objects(inner, f"{path}.{key}")
    elif isinstance(value, list):
        for inner in value:
            yield from _objects(inner, f"{path}[]")


def _first(resources: list[Resource], path: str, change: Any) -> Resource:
    """Return the first of these bodies that has this path, with a change at it."""
    for resource in resources:
        body = copy.deepcopy(resource.body)
        if change(body, path):
            return Resource(
                type=resource.type, version=resource.version, name=resource.name, body=body
            )
    raise AssertionError(path)


def _with_stranger(body: dict[str, Any], path: str) -> bool:
    found = next((inner for at, inner in _objects(body) if at == path), None)
    if found is None:
        return False
    # Of the kind that its neighbours have: a map of texts takes no number.
    found[_PROBE] = next(iter(found.values()), "text")
    return True


def _with_nonsense(value: Any, path: str, at: str = "") -> bool:
    pairs = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, inner in list(pairs):
        here = f"{at}.{key}" if isinstance(value, dict) else f"{at}[]"
        if here == path and isinstance(inner, str):
            value[key] = _PROBE
            return True
        if _with_nonsense(inner, path, here):
            return True
    return False


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
