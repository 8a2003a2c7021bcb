"""A server for Entra: tokens of managed identities, and the keys to verify any token."""

import time
from typing import Any
from urllib.parse import parse_qs

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.azure_servers.base import Answer, Request, Server
from tests.azure_servers.tls import Tls

TENANT = "11111111-1111-1111-1111-111111111111"
CLIENT = "22222222-2222-2222-2222-222222222222"
REPLICA = "33333333-2222-2222-2222-222222222222"  # the client id of the replicas' identity
OBJECT = "33333333-3333-3333-3333-333333333333"
EXCHANGE = "api://AzureADTokenExchange"
HEADER = "the header of the identity endpoint"


class Signer:
    """An RSA key that signs tokens, as the tenant's keys do."""

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
    """The server of IDENTITY_ENDPOINT in a function app; with a certificate also the authority.

    It answers GET /token, GET /<tenant>/discovery/v2.0/keys, and, to those that `trusted` clusters
    vouch for, POST /<tenant>/oauth2/v2.0/token.
    """

    def __init__(self, tls: Tls | None = None) -> None:
        self.signers = [Signer()]
        # By subject: the key of the cluster that signs for it, and whose identity it gets.
        self.trusted: dict[str, tuple[Signer, str]] = {}
        super().__init__(self._respond, tls)

    def environ(self) -> dict[str, str]:
        """Return the variables that a function app with an identity has."""
        return {"IDENTITY_ENDPOINT": f"{self.url}/token", "IDENTITY_HEADER": HEADER}

    def _respond(self, request: Request) -> Answer:
        if request.path == f"/{TENANT}/discovery/v2.0/keys":
            return Answer(content={"keys": [signer.public() for signer in self.signers]})
        if request.path == f"/{TENANT}/v2.0/.well-known/openid-configuration":
            here = f"{self.url}/{TENANT}"
            return Answer(
                content={
                    "issuer": f"{here}/v2.0",
                    "authorization_endpoint": f"{here}/oauth2/v2.0/authorize",
                    "token_endpoint": f"{here}/oauth2/v2.0/token",
                }
            )
        if request.path == f"/{TENANT}/oauth2/v2.0/token":
            return self._exchange({k: v[0] for k, v in parse_qs(request.body.decode()).items()})
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

    def _exchange(self, form: dict[str, str]) -> Answer:
        """Give a token for a cluster's, as a federated credential has it."""
        assertion = form.get("client_assertion", "")
        subject = str(jwt.decode(assertion, options={"verify_signature": False}).get("sub"))
        if subject not in self.trusted:
            return Answer(status=401, content={"error": "invalid_client"})
        signer, client = self.trusted[subject]
        try:
            key = signer.key.public_key()
            jwt.decode(assertion, key, algorithms=["RS256"], audience=EXCHANGE)
        except jwt.InvalidTokenError:
            return Answer(status=401, content={"error": "invalid_client"})
        if form["client_id"] != client or form["grant_type"] != "client_credentials":
            return Answer(status=400, content={"error": "unauthorized_client"})
        token = self.signers[0].token(form["scope"].removesuffix("/.default"), appid=client)
        content = {"access_token": token, "expires_in": 3600, "token_type": "Bearer"}
        return Answer(content=content)
