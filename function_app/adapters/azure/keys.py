"""Keys of production in Azure Key Vault; the cluster and the services get only digests.

A caller reads a key by a role on its secret (Key Vault Secrets User). Each write makes a new
version of a secret, and the vault's audit log has the reader of each secret.

Sources: "About Azure Key Vault secrets", "Provide access to Key Vault keys, certificates, and
secrets with Azure role-based access control", Microsoft Learn.
"""

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from function_app.adapters.azure.reach.connection import Connection, translate
from function_app.adapters.scoring_service.scoring_keys import (
    PRIMARY,
    SECONDARY,
    Digests,
    digest_of,
    new_key,
    production_secret,
    staging_secret,
)
from function_app.errors import ConfigError, NotFoundError
from function_app.late_imports import importing

if TYPE_CHECKING:
    from azure.keyvault.secrets import SecretClient

MASTER = "scoring-probe"


def secret_name(model: str, key: str) -> str:
    """Return the name of the secret with a model's key."""
    return f"scoring-{model}-{key}"


class VaultKeys:
    """The keys of all models in the vault that the settings name."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._made: SecretClient | None = None
        self._master = ""

    def ensure(self, model: str) -> Digests:
        """Make the keys of a model once; return their digests."""
        primary, secondary = (
            digest_of(self._ensure(secret_name(model, key))) for key in (PRIMARY, SECONDARY)
        )
        return Digests(primary=primary, secondary=secondary)

    def rotate(self, model: str) -> Digests:
        """Replace the older key and make it the first; NotFoundError when there are none."""
        former = self._get(secret_name(model, PRIMARY))
        if former is None:
            raise NotFoundError(f"{model} has no keys. Promote a release first.")
        self._set(secret_name(model, SECONDARY), former)
        key = new_key()
        self._set(secret_name(model, PRIMARY), key)
        return Digests(primary=digest_of(key), secondary=digest_of(former))

    def header(self, model: str) -> str:
        """Return a header for a shell that reads the first key from the vault."""
        vault = (urlsplit(self._address()).hostname or "").partition(".")[0]
        command = f"az keyvault secret show --vault-name {vault} --name"
        name = secret_name(model, PRIMARY)
        return f"Authorization: Bearer $({command} {name} --query value --output tsv)"

    def production_secret(self, model: str) -> str:
        """Return the platform's own secret of a model's production."""
        return production_secret(self._read_master(), model)

    def staging_secret(self, release_id: str) -> str:
        """Return the platform's own secret of a release's staging."""
        return staging_secret(self._read_master(), release_id)

    def _read_master(self) -> str:
        if not self._master:
            self._master = self._ensure(MASTER)
        return self._master

    def _ensure(self, name: str) -> str:
        secret = self._get(name)
        if secret is None:
            self._set(name, new_key())
            # Read again: keys that another process of the app wrote concurrently hold for both.
            secret = self._get(name)
        assert secret is not None
        return secret

    def _get(self, name: str) -> str | None:
        try:
            with translate("read a secret", name):
                return str(self._client().get_secret(name).value)
        except NotFoundError:
            return None

    def _set(self, name: str, value: str) -> None:
        with translate("store a secret", name):
            self._client().set_secret(name, value, tags={"mlops": "scoring"})

    def _address(self) -> str:
        address = self._connection.settings.keys_vault
        if not address:
            raise ConfigError("MLOPS_AZURE_KEYS_VAULT is not set. Deploy infra/ again: it sets it.")
        return address

    def _client(self) -> "SecretClient":
        if self._made is None:
            address = self._address()
            with importing():
                from azure.keyvault.secrets import SecretClient

            options = self._connection.options()
            self._made = SecretClient(address, self._connection.credential, **options)
        return self._made
