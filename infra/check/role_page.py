"""docs/reference/roles.md, filled in from the table of roles."""

from collections.abc import Iterator
from pathlib import Path

from infra.check.roles import read_rows, read_table

_TEMPLATE = Path(__file__).with_name("roles.template.md")


def write_page(root: Path) -> str:
    """Return docs/reference/roles.md."""
    without = (f"- {port}: {why}" for port, why in read_table(root)["without"].items())
    return _TEMPLATE.read_text("utf-8").format(
        roles="\n".join(_tables(root)), without="\n".join(without)
    )


def _tables(root: Path) -> Iterator[str]:
    rows, table = read_rows(root), read_table(root)
    for identity in dict.fromkeys(row.identity for row in rows):
        title = table["identities"][identity]["title"]
        yield f"## {title}\n\n| to | role | on | when |\n|---|---|---|---|"
        for row in (row for row in rows if row.identity == identity):
            by = row.by.replace("function_app/adapters/azure/", "")
            when = table["when"].get(row.when, row.when)
            only = f", only {', '.join(f'`{path}`' for path in row.reads)}" if row.reads else ""
            role = f"{row.role} `{row.id}`{only}"
            yield f"| {row.operation} ({by}) | {role} | `{row.scope}` | {when} |"
        yield ""
