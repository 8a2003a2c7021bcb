"""The access of each identity to the containers of data, by the roles of infra/."""

from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Self

from infra.check.roles import read_rows, read_table

_INFRA = Path(__file__).parents[2] / "infra"
_ACCOUNT = "stdata/"
_READER, _WRITER = "Storage Blob Data Reader", "Storage Blob Data Contributor"
# The containers of the datastores, and the identities of the computes.
CONTAINERS = {
    "mlops": "versions",
    "mlops_runs": "runs",
    "mlops_evaluations": "evaluations",
    "mlops_checks": "checks",
    "mlops_checks_inputs": "checks-inputs",
}
IDENTITIES = {"training": "training", "judging": "judge", "checks": "checks"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """The containers that an identity writes, and the patterns of names that it reads."""

    identity: str
    writable: frozenset[str]
    readable: dict[str, tuple[str, ...]]

    @classmethod
    @cache
    def of(cls, identity: str) -> Self:
        """Return the permissions of an identity of roles.json."""
        writable, readable = set[str](), dict[str, tuple[str, ...]]()
        for row in read_rows(_INFRA):
            scope = read_table(_INFRA)["scopes"][row.scope]
            if row.identity != identity or not scope.startswith(_ACCOUNT):
                continue
            container = scope.removeprefix(_ACCOUNT)
            if row.role == _WRITER:
                writable.add(container)
            if row.role in (_READER, _WRITER):
                readable[container] = row.reads or ("*",)
        return cls(identity=identity, writable=frozenset(writable), readable=readable)

    def may_read(self, container: str, name: str) -> bool:
        """Return whether the identity may read a blob."""
        return any(fnmatchcase(name, pattern) for pattern in self.readable.get(container, ()))

    def may_write(self, container: str) -> bool:
        """Return whether the identity may write and delete blobs of a container."""
        return container in self.writable

    def refuse_unless_reads(self, container: str, name: str) -> None:
        """Raise PermissionError unless the identity may read a blob."""
        if not self.may_read(container, name):
            raise PermissionError(f"{self.identity} may not read {container}/{name}")

    def refuse_unless_writes(self, container: str) -> None:
        """Raise PermissionError unless the identity may write a container."""
        if not self.may_write(container):
            raise PermissionError(f"{self.identity} may not write {container}")
