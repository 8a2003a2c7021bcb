"""What proves that a webhook comes from whom it says: HMAC over the body, or a shared secret.

Sources: GitHub documentation, "Validating webhook deliveries", header X-Hub-Signature-256; RFC 7617
for basic authentication, which is all that Azure DevOps service hooks have.
"""

import base64
import binascii
import hashlib
import hmac
from datetime import datetime, timedelta

PREFIX = "sha256="
# How far a signed time may be away from ours.
WINDOW = timedelta(minutes=5)


def sign(secret: str, body: bytes, timestamp: str = "") -> str:
    """Return the header's value for a body, and for the time of sending when one is sent."""
    text = timestamp.encode() + b"." + body if timestamp else body
    return PREFIX + hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()


def is_signed(secret: str, body: bytes, signature: str, timestamp: str = "") -> bool:
    """Tell, in constant time, whether the signature was made with the secret over this."""
    expected = sign(secret, body, timestamp)
    return hmac.compare_digest(expected.encode(), signature.strip().encode())


def is_timely(timestamp: str, now: datetime) -> bool:
    """Tell whether a signed time, in seconds of the Unix epoch, is of now; "" is of any time."""
    if not timestamp:
        return True
    if not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > 12:
        return False
    return abs(now.timestamp() - int(timestamp)) <= WINDOW.total_seconds()


def has_password(secret: str, authorization: str) -> bool:
    """Tell, in constant time, whether basic authentication sends the secret as its password."""
    scheme, _, text = authorization.partition(" ")
    if scheme.lower() != "basic":
        return False
    try:
        _, _, password = base64.b64decode(text.strip(), validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return False
    return hmac.compare_digest(password, secret.encode())
