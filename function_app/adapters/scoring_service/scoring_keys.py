"""Keys of production, and the digests that a scoring service gets; the same on every platform.

A model has two keys for its callers. Rotating replaces the older one and makes it the first, so
that the former first key works until the next rotation. The platform's own secret of a service is
derived from one master and never stored: it opens that one service and no other.
"""

import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass

PRIMARY, SECONDARY = "primary", "secondary"
# The header of the platform's own secret; scoring/authentication.py reads it.
PROBE_KEY = "X-Probe-Key"
KEYS, KEYS_FILE, FRONT = "SCORING_KEYS", "SCORING_KEYS_FILE", "SCORING_AUTHENTICATED_BY"


@dataclass(frozen=True, slots=True, kw_only=True)
class Digests:
    """SHA-256 digests of a model's keys, as hex digits; "" for a key that does not exist yet."""

    primary: str
    secondary: str


def new_key() -> str:
    """Return a new key of 256 random bits, of characters that need no quotes."""
    return secrets.token_urlsafe(32)


def digest_of(key: str) -> str:
    """Return the SHA-256 digest of a key: with 256 random bits it needs no salt."""
    return hashlib.sha256(key.encode()).hexdigest()


def production_secret(master: str, model: str) -> str:
    """Return the platform's own secret of a model's production."""
    return _derive(master, f"production/{model}")


def staging_secret(master: str, release_id: str) -> str:
    """Return the platform's own secret of a release's staging."""
    return _derive(master, f"staging/{release_id}")


def describe_keys(digests: Digests | None, probe: str) -> str:
    """Return the digests of the callers' keys and of the probe's key, as JSON for a service."""
    keys = {}
    if digests is not None:
        pairs = ((PRIMARY, digests.primary), (SECONDARY, digests.secondary))
        keys = {name: digest for name, digest in pairs if digest}
    return json.dumps({"keys": keys, "probe": digest_of(probe)}, sort_keys=True)


def _derive(master: str, scope: str) -> str:
    return hmac.new(master.encode(), scope.encode(), hashlib.sha256).hexdigest()
