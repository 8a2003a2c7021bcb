"""Compares the table of roles (roles.json) with each configuration's assignments, both ways.

A swapped principal, a wider scope or a role without a reason is an assignment without a row.
"""

import ast
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.check.arm import Assignment, Compiled, Problem
from infra.check.choices import CHOICES, DEPLOYER, PUBLISHER

FILE = "roles.json"
_ADAPTER = re.compile(r"function_app/adapters/azure/(?:\w+/)*(\w+)\.py")
# The labels (arm.Configuration.label) of the identities and scopes that roles.json names.
PRINCIPALS = {
    **{name: f"id-{name}" for name in (
        "app", "staging", "training", "judge", "checks", "cluster", "kubelet", "replica",
    )},
    "dataTopic": "evgs-data",
    "workspaceTopic": "evgs-ml",
    "registryTopic": "evgs-images",
    "ownTopic": "evgt-mlops",
    "publisher": PUBLISHER,
    "deployer": DEPLOYER,
}  # fmt: skip
SCOPES = {
    "hostStorage": "sthost",
    "dataStorage": "stdata",
    "mlStorage": "stml",
    "dataContainer": "stdata/data",
    "versionsContainer": "stdata/versions",
    "runsContainer": "stdata/runs",
    "evaluationsContainer": "stdata/evaluations",
    "predictionsContainer": "stdata/predictions",
    "checksContainer": "stdata/checks",
    "checksInputsContainer": "stdata/checks-inputs",
    "deadLetterContainer": "stdata/deadletter",
    "registry": "cr",
    "workspace": "mlw",
    "vault": "kv",
    "insights": "appi",
    "ownTopic": "evgt-mlops",
    "stagingIdentity": "id-staging",
    "replicaIdentity": "id-replica",
    "kubeletIdentity": "id-kubelet",
    "taskHub": "dts/mlops",
    "cluster": "aks",
    "clusterNamespace": "aks/models",
    "stagingSubnet": "vnet/staging",
    "clusterSubnet": "vnet/cluster",
    "stagingGroup": "rg-staging",
    "mailService": "mail",
}


# A condition of Azure (version 2.0) on reading blobs; their names may be listed.
_BLOBS = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs"
_PATH = f"@Resource[{_BLOBS}:path]"
_OTHERS = f"!(ActionMatches{{'{_BLOBS}/read'}} AND NOT SubOperationMatches{{'Blob.List'}})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The reason of a role; `when` names the traits of the configurations that have it.

    With `reads` the role has a condition: only blobs whose names match a pattern are read.
    """

    operation: str
    by: str
    identity: str
    role: str
    id: str
    scope: str
    when: str
    reads: tuple[str, ...] = ()

    def holds(self, traits: frozenset[str]) -> bool:
        """Return whether a configuration with these traits has the role."""
        return all(part in traits for part in self.when.split(" && ") if part)

    def __str__(self) -> str:
        return f"{self.role} for {self.identity} on {self.scope}"


def read_rows(root: Path) -> tuple[Row, ...]:
    """Return the rows of the table."""
    table = json.loads((root / FILE).read_text("utf-8"))
    return tuple(
        Row(**{**entry, "reads": tuple(entry.get("reads", ()))}) for entry in table["assignments"]
    )


def check(compiled: Compiled, root: Path, repository: Path) -> Iterator[Problem]:
    """Yield rows that are not assigned, assignments without a row, and adapters without either."""
    rows = read_rows(root)
    never = set(rows)
    for name, configuration in compiled.configurations.items():
        required = {
            _assignment(row, CHOICES[name].environ): row
            for row in rows
            if row.holds(configuration.traits)
        }
        assigned = list(configuration.assignments())
        path = f"snapshots/{name}.json"
        for given in sorted(set(assigned)):
            if given not in required:
                text = f"{_describe(given, rows)} has no reason in {FILE}."
                yield Problem(path=path, text=text)
            if assigned.count(given) > 1:
                yield Problem(path=path, text=f"{_describe(given, rows)} is assigned twice.")
        for expected, row in required.items():
            if expected not in assigned:
                text = f"{row} is not assigned; the app needs it to {row.operation}."
                yield Problem(path=path, text=text)
        never -= set(required.values())
    for row in sorted(never, key=str):
        yield Problem(path=FILE, text=f"{row}: no configuration has the condition {row.when!r}.")
    yield from _adapters(root, repository, rows)


def _assignment(row: Row, environ: Mapping[str, str]) -> Assignment:
    kinds = {"deployer": "User", "publisher": environ.get("MLOPS_PUBLISHER_TYPE")}
    kind = kinds.get(row.identity) or "ServicePrincipal"
    principal, scope = PRINCIPALS.get(row.identity, "?"), SCOPES.get(row.scope, "?")
    paths = " OR ".join(f"{_PATH} StringLike '{pattern}'" for pattern in row.reads)
    return Assignment(
        principal=principal,
        role=row.id,
        scope=scope,
        principal_type=kind,
        condition=f"(({_OTHERS}) OR ({paths}))" if row.reads else "",
    )


def _describe(given: Assignment, rows: tuple[Row, ...]) -> str:
    role = next((row.role for row in rows if row.id == given.role), given.role)
    condition = ", with a condition," if given.condition else ""
    return f"{role} for {given.principal} ({given.principal_type}) on {given.scope}{condition}"


def _adapters(root: Path, repository: Path, rows: tuple[Row, ...]) -> Iterator[Problem]:
    """Hold the table to the ports: the adapter of each has a role or a reason to have none."""
    without = json.loads((root / FILE).read_text("utf-8"))["without"]
    named = {module for row in rows for module in _ADAPTER.findall(row.by)} | set(without)
    ports = _ports(repository)
    for module in sorted(named - ports):
        yield Problem(path=FILE, text=f"{module}.py is the adapter of no port.")
    for port in sorted(ports - named):
        text = f"{port}.py has neither a row in `assignments` nor a reason in `without`."
        yield Problem(path=FILE, text=text)


def _ports(repository: Path) -> set[str]:
    """Return the names of the ports: an adapter's file is called as its port, others serve them."""
    source = (repository / "function_app" / "ports" / "__init__.py").read_text("utf-8")
    [ports] = [
        node
        for node in ast.parse(source).body
        if isinstance(node, ast.ClassDef) and node.name == "Ports"
    ]
    return {
        node.target.id
        for node in ports.body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }
