"""Approvers in Azure: people by the access tokens that Entra gave them for this app.

Source: Microsoft identity platform documentation, "Access tokens" and "Validate tokens".
"""

import ssl
import threading
from typing import Any

from function_app.azure_settings import AzureSettings
from function_app.late_imports import importing

ALGORITHM = "RS256"
# Who signs tokens of version 1, the default of an app registration, in the public cloud.
V1_ISSUER = "https://sts.windows.net"


class AzureApprovers:
    """Knows who has a token of the tenant, for this audience, with the approvers' role."""

    def __init__(self, settings: AzureSettings, *, cooldown: float = 30.0) -> None:
        """Take how many seconds pass before an unknown key makes us ask for the keys again."""
        self._settings, self._lock = settings, threading.Lock()
        self._cooldown = cooldown
        self._keys: Any = None

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
        except jwt.PyJWTError:
            return None
        roles = claims.get("roles")
        # Of a text `in` would take a part for the whole.
        if not isinstance(roles, list) or settings.approver_role not in roles:
            return None
        name = claims.get("preferred_username") or claims.get("oid")
        return str(name) if name else None

    def _key_set(self) -> Any:
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
