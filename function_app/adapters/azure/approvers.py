"""Approvers in Azure: people by the access tokens that Entra issued to them for this app.

A person is identified by the claim `oid`, because it never changes and no other account ever gets
it. The names in a token (preferred_username, upn, email) can be changed, so they identify no
person. No header counts beside the token: `X-MS-CLIENT-PRINCIPAL` is set by App Service
authentication, which is off, and by any caller where it is off.

Source: Microsoft identity platform documentation, "Access tokens", "Validate tokens" and "Access
token claims reference".
"""

import ssl
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from function_app.domain.people.people import People, is_oid, name_of_oid
from function_app.errors import PlatformError
from function_app.late_imports import importing
from function_app.settings.azure import AzureSettings

if TYPE_CHECKING:
    from jwt import PyJWKClient

ALGORITHM = "RS256"
# The issuer of version 1 tokens, the default of an app registration, in the public cloud.
V1_ISSUER = "https://sts.windows.net"


class AzureApprovers:
    """Accepts tokens of the tenant for this audience with the approvers' role or scope."""

    def __init__(self, settings: AzureSettings, people: People, *, cooldown: float = 30.0) -> None:
        """Take the people of mlops.toml with their object ids.

        `cooldown` is how many seconds pass before an unknown key makes us ask for the keys again.
        """
        self._settings, self._people, self._lock = settings, people, threading.Lock()
        self._cooldown = cooldown
        self._keys: PyJWKClient | None = None

    def identify(self, token: str) -> str | None:
        with importing():
            import jwt

        settings = self._settings
        if not settings.approver_audience or not settings.tenant_id:
            return None
        try:
            key = self._key_set().get_signing_key_from_jwt(token).key
            claims = jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                audience=settings.approver_audience,
                issuer=[f"{self._authority()}/v2.0", f"{V1_ISSUER}/{settings.tenant_id}/"],
                options={"require": ["exp", "iss", "aud"]},
            )
        except jwt.PyJWKClientConnectionError as error:
            # The token may be right: whether it is cannot be said while Entra does not answer.
            text = f"{self._authority()} does not answer ({error}). Send the request again later."
            raise PlatformError(
                "azure", "read the keys that tokens are signed with", text
            ) from error
        except jwt.PyJWTError:
            return None
        oid = claims.get("oid")
        if not self._is_permitted(claims) or not isinstance(oid, str) or not is_oid(oid):
            return None
        return name_of_oid(oid, self._people)

    def _is_permitted(self, claims: Mapping[str, Any]) -> bool:
        """Return whether the token has the approvers' role, or the scope where one is set."""
        role, scope = self._settings.approver_role, self._settings.approver_scope
        roles, scopes = claims.get("roles"), claims.get("scp")
        # `in` would find "Model.Approver" within the text "Model.ApproverReader".
        if role and isinstance(roles, list) and role in roles:
            return True
        return bool(scope) and isinstance(scopes, str) and scope in scopes.split(" ")

    def _key_set(self) -> "PyJWKClient":
        with importing():
            import jwt

        with self._lock:
            if self._keys is None:
                ca_file = self._settings.ca_file
                trust = ssl.create_default_context(cafile=ca_file) if ca_file else None
                address = f"{self._authority()}/discovery/v2.0/keys"
                self._keys = jwt.PyJWKClient(
                    address, ssl_context=trust, timeout=10, cooldown_duration=self._cooldown
                )
            return self._keys

    def _authority(self) -> str:
        return f"{self._settings.authority.rstrip('/')}/{self._settings.tenant_id}"
