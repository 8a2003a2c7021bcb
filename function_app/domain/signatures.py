"""Signatures of webhooks: HMAC-SHA256 over the body, as GitHub, Gitea and Jenkins send it.

Source: GitHub documentation, "Validating webhook deliveries", header X-Hub-Signature-256.
"""

import hashlib
import hmac

PREFIX = "sha256="


def sign(secret: str, body: bytes) -> str:
    """Return the header's value for a body."""
    return PREFIX + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def is_signed(secret: str, body: bytes, signature: str) -> bool:
    """Tell, in constant time, whether the signature was made with the secret over this body."""
    return hmac.compare_digest(sign(secret, body).encode(), signature.strip().encode())
