"""Who Azure's Entra is to a test: managed identities' tokens, and the keys to check any token by."""

import time
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.azure_servers.base import Answer, Request, Server
from tests.azure_servers.tls import Tls

TENANT = "11111111-1111-1111-1111-111111111111"
CLIENT = "22222222-2222-2222-2222-222222222222"
OBJECT = "33333333-3333-3333-3333-333333333333"
HEADER = "the header of the identity endpoint"


class Signer:
    """An RSA key that signs tokens, as one of the tenant's keys does."""

    def __init__(self, key_id: str = "key-1") -> None:
        self.key_id = key_id
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def token(self, audience: str, **claims: Any) -> str:
        """Return a token for an audience, valid for an hour; a claim of None is left out."""
        now = int(time.time())
        content: dict[str, Any] = {
            "aud": audience,
            "iss": f"https://sts.windows.net/{TENANT}/",
            "tid": TENANT,
            "oid": OBJECT,
            "appid": CLIENT,
            "iat": now,
            "nbf": now - 60,
            "exp": now + 3600,
            "ver": "1.0",
            **claims,
        }
        content = {name: value for name, value in content.items() if value is not None}
        return jwt.encode(content, self.key, algorithm="RS256", headers={"kid": self.key_id})

    def public(self) -> dict[str, Any]:
        """Return the public key as a JSON web key."""
        key = jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        return {**key, "kid": self.key_id, "use": "sig"}


class IdentityServer(Server):
    """What IDENTITY_ENDPOINT is inside a function app; with a certificate also the authority.

    It answers GET /token and GET /<tenant>/discovery/v2.0/keys.
    """

    def __init__(self, tls: Tls | None = None) -> None:
        self.signers = [Signer()]
        super().__init__(self._respond, tls)

    def environ(self) -> dict[str, str]:
        """Return the variables that a function app with an identity has."""
        return {"IDENTITY_ENDPOINT": f"{self.url}/token", "IDENTITY_HEADER": HEADER}

    def _respond(self, request: Request) -> Answer:
        if request.path == f"/{TENANT}/discovery/v2.0/keys":
            return Answer(content={"keys": [signer.public() for signer in self.signers]})
        if request.path != "/token":
            return Answer(status=404, content={"error": "not_found"})
        if request.headers.get("x-identity-header") != HEADER:
            return Answer(status=401, content={"message": "the header is wrong"})
        resource = request.query["resource"]
        client = request.query.get("client_id", CLIENT)
        return Answer(
            content={
                "access_token": self.signers[0].token(resource, appid=client),
                "expires_on": str(int(time.time()) + 3600),
                "resource": resource,
                "token_type": "Bearer",
                "client_id": client,
            }
        )
