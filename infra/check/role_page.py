"""docs/reference/roles.md, made from the table of roles."""

import json
from pathlib import Path

from infra.check.roles import FILE, read_rows


def write_page(root: Path) -> str:
    """Return docs/reference/roles.md."""
    rows = read_rows(root)
    without = json.loads((root / FILE).read_text("utf-8"))["without"]
    text = [
        "# Who may do what in Azure",
        "",
        "Made by `python -m infra.check --write-docs` from `infra/roles.json`; `make infra-check`",
        "holds the table and the role assignments in `infra/modules/` to each other, both ways. A",
        "scope is the smallest resource that the operation touches; no identity has a role on the",
        "subscription.",
        "",
        "*only* is a condition of the role: other blobs of the container may be listed, not read.",
        "",
    ]
    for identity in dict.fromkeys(row.identity for row in rows):
        text += [
            f"## {_IDENTITIES[identity]}",
            "",
            "| to | role | on | when |",
            "|---|---|---|---|",
        ]
        for row in (row for row in rows if row.identity == identity):
            who = row.by.replace("function_app/adapters/azure/", "")
            when = _WHEN.get(row.when, row.when)
            only = f", only {', '.join(f'`{path}`' for path in row.reads)}" if row.reads else ""
            role = f"{row.role} `{row.id}`{only}"
            text.append(f"| {row.operation} ({who}) | {role} | `{row.scope}` | {when} |")
        text.append("")
    text += ["## Adapters that need no role", ""]
    text += [f"- {port}: {why}" for port, why in without.items()]
    text += [
        "",
        "The workspace's own identity gets its roles on its storage, vault and registry from",
        "Azure ML itself. Whoever deploys needs Contributor and Role Based Access Control",
        "Administrator on the subscription (or Owner); so does the federated identity of CI.",
        "",
    ]
    return "\n".join(text)


_IDENTITIES = {
    "app": "The app",
    "staging": "Staging's container groups",
    "training": "Trainings, samples and answers: models' code",
    "judge": "Preparations and judges: this app's own code",
    "checks": "Checks of code that nobody merged yet",
    "kubelet": "Production's nodes",
    "replica": "Production's replicas",
    "cluster": "The cluster",
    "dataTopic": "The topic of the data storage",
    "workspaceTopic": "The topic of Azure ML",
    "registryTopic": "The topic of the registry",
    "ownTopic": "The topic of our own events",
    "publisher": "Build systems that publish events",
    "deployer": "Whoever deploys",
}
_WHEN = {
    "": "always",
    "each": "each named one",
    "useStorageBackend": "Durable on Azure Storage",
    "useScheduler": "Durable Task Scheduler",
    "useScheduler && hasDeployer": "Durable Task Scheduler",
    "hasDeployer": "always",
    "withCluster": "with a cluster",
    "withoutCluster": "with managed endpoints",
    "withCluster && hasDeployer": "with a cluster",
    "privateNetwork": "private network",
    "withCluster && privateNetwork": "with a cluster, private network",
    "!empty(mailService)": "with a mail service (`MLOPS_MAIL_SERVICE`)",
}
