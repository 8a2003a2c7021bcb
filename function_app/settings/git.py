"""Settings of access to repositories: tokens and API addresses by host, an SSH key, and limits.

A host's name is spelled in a setting's name with `_` for every other sign and in capitals:
`MLOPS_GIT_TOKEN_GITHUB_COM`, `MLOPS_GIT_API_GIT_EXAMPLE_ORG_8443`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from function_app.errors import ConfigError
from function_app.settings.public_url import read_public_url

TOKEN, API = "MLOPS_GIT_TOKEN_", "MLOPS_GIT_API_"
# The value of a setting whose Key Vault reference could not be resolved begins so.
UNRESOLVED = "@Microsoft.KeyVault("


@dataclass(frozen=True, slots=True, kw_only=True)
class GitSettings:
    """The access to repositories, and the limits of a read.

    `public_url` is the address of this app for people; links in commit statuses begin with it.
    """

    tokens: Mapping[str, str] = field(default_factory=dict, repr=False)
    apis: Mapping[str, str] = field(default_factory=dict)
    ssh_key: str = ""
    ssh_known_hosts: str = ""
    ca_file: str = ""
    public_url: str = ""
    timeout_seconds: float = 300.0
    max_bytes: int = 50_000_000
    max_files: int = 20_000
    max_memory: int = 1_000_000_000

    def token(self, host: str) -> str:
        """Return the token for this host, "" when none is set."""
        return self.tokens.get(_key(host), "")

    def api(self, host: str) -> str:
        """Return the address of this host's API when it is not the usual one, else ""."""
        return self.apis.get(_key(host), "")


def read_git_settings(environ: Mapping[str, str]) -> GitSettings:
    """Return the settings of repositories, or raise ConfigError naming the bad key."""
    for name, value in environ.items():
        if name.startswith((TOKEN, API)) and value.startswith(UNRESOLVED):
            raise ConfigError(f"{name} is a Key Vault reference that was not resolved. See docs.")
    apis = _by_host(environ, API)
    for key, address in apis.items():
        if not address.startswith(("https://", "http://127.0.0.1", "http://localhost")):
            raise ConfigError(f"{API}{key} must be an https:// address: a token is sent there.")
    return GitSettings(
        tokens=_by_host(environ, TOKEN),
        apis=apis,
        ssh_key=environ.get("MLOPS_GIT_SSH_KEY", ""),
        ssh_known_hosts=environ.get("MLOPS_GIT_SSH_KNOWN_HOSTS", ""),
        ca_file=environ.get("MLOPS_GIT_CA_FILE", ""),
        public_url=read_public_url(environ),
        timeout_seconds=_seconds(environ, "MLOPS_GIT_TIMEOUT_SECONDS", 300.0),
    )


def _by_host(environ: Mapping[str, str], prefix: str) -> dict[str, str]:
    return {
        name.removeprefix(prefix): value.strip().rstrip("/")
        for name, value in environ.items()
        if name.startswith(prefix) and value.strip()
    }


def _seconds(environ: Mapping[str, str], name: str, default: float) -> float:
    text = environ.get(name, "")
    try:
        value = float(text) if text else default
    except ValueError as error:
        raise ConfigError(f"{name} is {text!r}; it must be a number of seconds.") from error
    if not 1 <= value <= 3600:
        raise ConfigError(f"{name} is {text}; it must be between 1 and 3600 seconds.")
    return value


def _key(host: str) -> str:
    return re.sub(r"[^A-Za-z0-9]", "_", host).upper()
