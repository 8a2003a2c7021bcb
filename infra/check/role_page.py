"""docs/reference/roles.md, made from the table of roles."""

from pathlib import Path

from infra.check.roles import read_rows, read_table


def write_page(root: Path) -> str:
    """Return docs/reference/roles.md."""
    rows, table = read_rows(root), read_table(root)
    text = [
        "# Roles in Azure",
        "",
        "This page is written by `python -m infra.check --write-docs` from `infra/roles.json`.",
        "`make infra-check` fails when the table and the role assignments in `infra/modules/`",
        "differ. A scope is the smallest resource that the operation needs; no identity has a role",
        "on the subscription.",
        "",
        "*only* is a condition of the role: the identity can list, but not read, the other blobs",
        "of the container.",
        "",
    ]
    for identity in dict.fromkeys(row.identity for row in rows):
        text += [
            f"## {table['identities'][identity]['title']}",
            "",
            "| to | role | on | when |",
            "|---|---|---|---|",
        ]
        for row in (row for row in rows if row.identity == identity):
            who = row.by.replace("function_app/adapters/azure/", "")
            when = table["when"].get(row.when, row.when)
            only = f", only {', '.join(f'`{path}`' for path in row.reads)}" if row.reads else ""
            role = f"{row.role} `{row.id}`{only}"
            text.append(f"| {row.operation} ({who}) | {role} | `{row.scope}` | {when} |")
        text.append("")
    text += ["## Adapters that need no role", ""]
    text += [f"- {port}: {why}" for port, why in table["without"].items()]
    text += [
        "",
        "The workspace's own identity gets its roles on its storage, vault and registry from",
        "Azure ML itself. The deployer needs Contributor and Role Based Access Control",
        "Administrator on the subscription (or Owner); so does the federated identity of CI.",
        "",
    ]
    return "\n".join(text)
