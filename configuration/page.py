"""The reference page of mlops.toml, made from the declaration: `python -m configuration.page`."""

from typing import Any

from configuration.declaration import LIMITS, MODEL, WEBHOOKS
from configuration.kinds import REQUIRED, Key, Listed, Table
from configuration.tables.isolation import CHECKS, RUNS
from configuration.tables.people import PEOPLE

PAGE = "docs/reference/mlops-toml.md"
_HEAD = """\
# mlops.toml

The models that this app looks after. The app reads the file once, when it starts; `MLOPS_PROJECTS`
names another file. It is read strictly: an unknown key, a missing one or a value out of range stops
the start, with every problem of the file in one message. To check a file without a running app:

    .venv/bin/python -m mlopsctl config check            # mlops.toml of this app
    .venv/bin/python -m mlopsctl config check FILE

The command prints each problem with its key path, and exits with 1 when there is one; `--json` is
for scripts. It also warns of `MLOPS_...` variables whose names are nearly right.

This page is written by `python -m configuration.page` from the declaration in `configuration/`.
"""


def describe() -> str:
    """Return the whole page."""
    sections = [_describe(MODEL, f"[{MODEL.name}]")]
    for table in MODEL.tables:
        path = f"{MODEL.name}.{table.name}"
        sections.append(_describe(table, f"[[{path}]]" if table.many else f"[{path}]"))
    shared = (PEOPLE, WEBHOOKS, LIMITS, CHECKS, RUNS)
    sections += [_describe(table, f"[{table.name}]") for table in shared]
    return "\n".join([_HEAD, *sections])


def _describe(table: Table, title: str) -> str:
    needed = "" if table.required or table.many else " The table may be left out."
    lines = [f"## `{title}`", "", f"{table.help}{needed}", ""]
    lines += ["| key | default | allowed | meaning |", "|---|---|---|---|"]
    lines += [_row(key) for key in table.keys]
    return "\n".join([*lines, ""])


def _row(key: Key) -> str:
    default = "**required**" if key.default is REQUIRED else f"`{_toml(key.default)}`"
    allowed = key.kind.allowed
    if isinstance(key.kind, Listed):
        allowed += f"; each {key.kind.item.allowed}"
    cells = (f"`{key.name}`", default, allowed, key.help)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return f"[{', '.join(_toml(item) for item in value)}]"
    return f'"{value}"' if isinstance(value, str) else str(value)


if __name__ == "__main__":
    print(describe(), end="")
