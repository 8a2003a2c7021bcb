"""Addresses of repositories: their protocol, their host, and the form that may be shown."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from function_app.addresses import file_path
from function_app.errors import ContractError

_SCP = re.compile(r"(?:([A-Za-z0-9_.-]+)@)?([A-Za-z0-9_.-]+):(?!//)([^\s].*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A repository's address; `host` has the port and is "" on this machine."""

    url: str
    protocol: str
    host: str
    path: str

    @property
    def site(self) -> str:
        """Return the prefix of the HTTP addresses to which a token is sent."""
        return f"{self.protocol}://{self.host}/"


def read_address(text: str) -> Address:
    """Return the parsed address; ContractError when the app does not fetch from such an address."""
    # A folder of this machine may have a blank in its name, an address of a server may not.
    local = text.startswith(("/", "file://"))
    lowest = " " if local else "!"
    if not text or text.startswith("-") or any(sign < lowest for sign in text):
        raise ContractError(f"repository: {text[:80]!r} is not an address. {_ACCEPTED}")
    if text.startswith("/"):
        return Address(url=text, protocol="file", host="", path=text)
    if "://" not in text:
        match = _SCP.fullmatch(text)
        if match is None:
            raise ContractError(f"repository: {text[:80]!r} is not a full address. {_ACCEPTED}")
        return Address(url=text, protocol="ssh", host=match[2], path=match[3].lstrip("/"))
    parts = urlsplit(text)
    if parts.password or (parts.username and parts.scheme in ("http", "https")):
        raise ContractError(
            "repository: the address holds a user or a password. Take it out and set "
            "MLOPS_GIT_TOKEN_<HOST> instead."
        )
    host = parts.netloc.rpartition("@")[2]
    if parts.scheme == "file" and not host:
        return Address(url=text, protocol="file", host="", path=str(file_path(text)))
    if parts.scheme in ("https", "ssh") and host and not parts.query and not parts.fragment:
        return Address(url=text, protocol=parts.scheme, host=host, path=parts.path.strip("/"))
    if parts.scheme == "http" and (parts.hostname or "") in ("127.0.0.1", "localhost", "::1"):
        return Address(url=text, protocol="http", host=host, path=parts.path.strip("/"))
    raise ContractError(f"repository: {parts.scheme}://{host} is not accepted. {_ACCEPTED}")


_ACCEPTED = "Give https://, ssh:// or git@host:path, or file:/// or an absolute path."
