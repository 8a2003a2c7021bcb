"""Azure Key Vault's secrets: a challenge, versions, and the callers of its requests."""

import re

from tests.azure_servers.arm import audience
from tests.azure_servers.base import Answer, Request, Server
from tests.azure_servers.identity import TENANT
from tests.azure_servers.tls import Tls

_PATH = re.compile(r"/secrets/(?P<name>[0-9a-zA-Z-]{1,127})(?:/(?P<version>[0-9a-f]*))?")


class Vault(Server):
    """A vault; `secrets` has every version of each secret, the newest last."""

    def __init__(self, tls: Tls) -> None:
        self.secrets: dict[str, list[str]] = {}
        super().__init__(self._respond, tls)
        # The client refuses a challenge for a resource that is not of the vault's own domain.
        self.url = f"https://127.0.0.1:{self.port}"
        self.resource = f"https://0.0.1:{self.port}"

    def _respond(self, request: Request) -> Answer:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if audience(token) != self.resource:
            challenge = (
                f'Bearer authorization="https://login.microsoftonline.com/{TENANT}", '
                f'resource="{self.resource}"'
            )
            return Answer(status=401, headers={"WWW-Authenticate": challenge})
        found = _PATH.fullmatch(request.path.rstrip("/"))
        if found is None:
            return _error(404, "NotFound", "There is no such resource.")
        name = found["name"]
        if request.method == "PUT":
            self.secrets.setdefault(name, []).append(request.json["value"])
        versions = self.secrets.get(name)
        if not versions:
            return _error(404, "SecretNotFound", f"A secret with the name {name} was not found.")
        address = f"{self.url}/secrets/{name}/{len(versions):032x}"
        return Answer(content={"value": versions[-1], "id": address, "attributes": {}})


def _error(status: int, code: str, message: str) -> Answer:
    return Answer(status=status, content={"error": {"code": code, "message": message}})
