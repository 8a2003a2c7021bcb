"""Finds every problem in the content of a mlops.toml, each with its key path."""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from configuration.declaration import LIMITS, MODEL, WEBHOOKS
from configuration.kinds import REQUIRED, Finding, Table, refuse, show
from configuration.nearest import find_nearest
from configuration.people_rules import check_people
from configuration.rules import check_model, check_models
from configuration.tables.isolation import CHECKS, RUNS
from configuration.tables.people import PEOPLE
from configuration.values import (
    MODEL_NAME,
    MODEL_NAME_ALLOWED,
    PERSON,
    RESERVED_SOURCES,
    WEBHOOK_SOURCE,
    WEBHOOK_SOURCE_ALLOWED,
)

MODELS, PEOPLE_TABLE, SOURCES = "models", "people", "webhooks"
SHARED = (LIMITS, CHECKS, RUNS)
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def find_problems(content: Mapping[str, Any], root: Path) -> list[str]:
    """Return every problem of a parsed mlops.toml, in the order of the file, [] when it is right.

    `root` is the folder of the app, in which the modules of the models must exist.
    """
    findings = [*_check_top(content)]
    models = content.get(MODELS)
    if isinstance(models, Mapping):
        for name, model in models.items():
            findings += _check_model(name, model, root)
        findings += check_models({n: m for n, m in models.items() if isinstance(m, Mapping)})
    findings += _check_people(content)
    for table in SHARED:
        if table.name in content:
            findings += _check_table(table, table.name, content[table.name])
    findings += _check_sources(content.get(SOURCES, {}), models)
    return list(dict.fromkeys(text for _, text in findings))


def _check_top(content: Mapping[str, Any]) -> Iterator[Finding]:
    known = (MODELS, PEOPLE_TABLE, *(table.name for table in SHARED), SOURCES)
    suggested = set()
    for name, value in content.items():
        if name not in known:
            nearest = find_nearest(name, known)
            suggested.add(nearest)
            yield name, _unknown(name, value, nearest, known)
    models = content.get(MODELS)
    if models is None and MODELS in suggested:
        return
    if models is not None and not isinstance(models, Mapping):
        yield refuse(MODELS, models, "tables, one [models.<name>] for each model")
    elif not models:
        yield MODELS, "models: the file names no model. Add a table [models.<name>]."


def _check_model(name: str, model: Any, root: Path) -> Iterator[Finding]:
    path = join(MODELS, name)
    if not MODEL_NAME.fullmatch(name):
        yield path, f"{path}: a model's name must have {MODEL_NAME_ALLOWED}."
    findings = [*_check_table(MODEL, path, model)]
    yield from findings
    if isinstance(model, Mapping):
        wrong = {where for where, _ in findings}
        yield from (f for f in check_model(path, model, root) if f[0] not in wrong)


def _check_sources(sources: Any, models: Any) -> Iterator[Finding]:
    if not isinstance(sources, Mapping):
        yield refuse(SOURCES, sources, "tables, one [webhooks.<source>] for each source")
        return
    for name, source in sources.items():
        path = join(SOURCES, name)
        if not WEBHOOK_SOURCE.fullmatch(name):
            yield path, f"{path}: a source's name must have {WEBHOOK_SOURCE_ALLOWED}."
        if name in RESERVED_SOURCES:
            yield path, f"{path}: the app itself uses this name. Choose another."
        yield from _check_table(WEBHOOKS, path, source)
        scope = source.get(MODELS) if isinstance(source, Mapping) else None
        for number, model in enumerate(scope if isinstance(scope, list) else []):
            if isinstance(model, str) and isinstance(models, Mapping) and model not in models:
                where = f"{join(path, MODELS)}[{number}]"
                yield where, f"{where} = {show(model)}: the file names no such model."


def _check_people(content: Mapping[str, Any]) -> Iterator[Finding]:
    people = content.get(PEOPLE_TABLE, {})
    if not isinstance(people, Mapping):
        yield refuse(PEOPLE_TABLE, people, "tables, one [people.<name>] for each person")
        return
    for name, person in people.items():
        path = join(PEOPLE_TABLE, name)
        if any(PERSON.check(path, name)):
            yield path, f"{path}: a person's name must be {PERSON.allowed}."
        yield from _check_table(PEOPLE, path, person)
    yield from check_people(content)


def _check_table(table: Table, path: str, value: Any) -> Iterator[Finding]:
    if table.many:
        if not isinstance(value, list):
            yield refuse(path, value, f"an array of tables, [[{path}]]")
            return
        for number, entry in enumerate(value):
            yield from _check_keys(table, f"{path}[{number}]", entry)
        return
    yield from _check_keys(table, path, value)


def _check_keys(table: Table, path: str, value: Any) -> Iterator[Finding]:
    if not isinstance(value, Mapping):
        yield refuse(path, value, f"a table, [{path}]")
        return
    keys, tables = {k.name: k for k in table.keys}, {t.name: t for t in table.tables}
    known, suggested = (*keys, *tables), set()
    for name, item in value.items():
        where = join(path, name)
        if name in keys:
            yield from keys[name].kind.check(where, item)
        elif name in tables:
            yield from _check_table(tables[name], where, item)
        else:
            nearest = find_nearest(name, known)
            suggested.add(nearest)
            yield where, _unknown(where, item, nearest, known, _home(name, table, path))
    for key in table.keys:
        if key.default is REQUIRED and key.name not in value and key.name not in suggested:
            where = join(path, key.name)
            yield where, f"{where} is missing: it must be {key.kind.allowed}."
    for inner in table.tables:
        if inner.required and inner.name not in value and inner.name not in suggested:
            where = join(path, inner.name)
            yield where, f"The table [{where}] is missing: {_lower(inner.help)}"


def _unknown(path: str, value: Any, nearest: str, known: Iterable[str], home: str = "") -> str:
    what = "table" if isinstance(value, Mapping) else "key"
    shown = path if what == "table" else f"{path} = {show(value)}"
    if home:
        return f"{shown}: unknown {what} here. It belongs to [{home}]."
    if nearest:
        return f"{shown}: unknown {what}. Did you mean `{nearest}`?"
    return f"{shown}: unknown {what}. Allowed are {', '.join(known)}."


def _home(name: str, table: Table, path: str) -> str:
    """Return the table of the same model that has a key of this name, else ""."""
    if table is MODEL:
        homes = [f"{path}.{t.name}" for t in MODEL.tables if name in {k.name for k in t.keys}]
        return homes[0] if len(homes) == 1 else ""
    if table in (*SHARED, PEOPLE, WEBHOOKS):
        return ""
    model = ".".join(path.split(".")[:-1])
    if name in {key.name for key in MODEL.keys}:
        return model
    homes = [t.name for t in MODEL.tables if t is not table and name in {k.name for k in t.keys}]
    return f"{model}.{homes[0]}" if len(homes) == 1 else ""


def join(path: str, name: str) -> str:
    """Return the path of a key in a table, with quotes where TOML needs them."""
    return f"{path}.{name if _BARE_KEY.fullmatch(name) else show(name)}"


def _lower(text: str) -> str:
    return text[0].lower() + text[1:]
