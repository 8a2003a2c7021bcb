"""The request to the process that reads repositories, as JSON."""

import json
from dataclasses import asdict, dataclass, field
from typing import Any

from function_app.adapters.git.address import Address
from function_app.errors import ContractError, MlopsError, NotFoundError, PlatformError


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A request to read a repository: its purpose, the address, and the limits.

    `branch` is "" for a proposal; `folder` is deleted afterwards.
    """

    task: str
    address: Address
    refs: tuple[str, ...]
    commit: str = ""
    branch: str = ""
    token: str = field(default="", repr=False)
    ca_file: str = ""
    ssh_key: str = ""
    ssh_known_hosts: str = ""
    timeout_seconds: float
    max_bytes: int
    max_files: int
    max_memory: int
    folder: str

    @property
    def archive(self) -> str:
        """Return the path at which the files of the commit are stored."""
        return f"{self.folder}/archive.tar"

    @property
    def people(self) -> str:
        """Return the path of the commit's people, stored as JSON: pairs of role and address."""
        return f"{self.folder}/people.json"


def write_question(question: Question) -> bytes:
    """Return the question as bytes; they hold the token and belong into a pipe only."""
    return json.dumps(asdict(question)).encode()


def read_question(text: bytes) -> Question:
    """Return the question that was written."""
    fields = json.loads(text)
    fields["address"] = Address(**fields["address"])
    fields["refs"] = tuple(fields["refs"])
    return Question(**fields)


def write_error(error: MlopsError) -> dict[str, str]:
    """Return an error as it travels."""
    if isinstance(error, PlatformError):
        return {"code": error.code, "operation": error.operation, "message": error.reason}
    return {"code": error.code, "operation": "", "message": error.message}


def read_error(fields: dict[str, Any]) -> MlopsError:
    """Return the error that was written."""
    code, message = fields["code"], fields["message"]
    if code == ContractError.code:
        return ContractError(message)
    if code == NotFoundError.code:
        return NotFoundError(message)
    return PlatformError("git", fields["operation"], message)
