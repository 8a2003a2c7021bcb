"""Proofs that a webhook comes from its source: an HMAC signature, or a shared secret.

The signature is HMAC-SHA256 over these bytes:
- GitHub's hooks: the body.
- Our own, structured mode: `<X-Mlops-Timestamp>.<body>`.
- Our own, binary mode of CloudEvents: `<X-Mlops-Timestamp>.<attributes>` and the body, where the
  attributes are one line `<name>:<value>` for each `ce-` header, with names in lower case and
  sorted, values without blanks around them, each line ended by a line feed, and one empty line.

No text has two meanings: a body is JSON, so that it cannot begin like a timestamp or an attribute.

Sources: GitHub documentation, "Validating webhook deliveries", header X-Hub-Signature-256; RFC 7617
for basic authentication, which is all that Azure DevOps service hooks have; Standard Webhooks 1.0
for the timestamp, which is signed with the content and may be five minutes away.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta

PREFIX = "sha256="
# The longest distance of a signed time from the app's clock.
WINDOW = timedelta(minutes=5)


# Attributes of a CloudEvent in the binary mode are headers with this prefix.
ATTRIBUTE = "ce-"


def attributes_of(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the `ce-` headers, whose names are in lower case, {} in the structured mode."""
    return {name: value for name, value in headers.items() if name.startswith(ATTRIBUTE)}


def sign(
    secret: str, body: bytes, timestamp: str = "", attributes: Mapping[str, str] | None = None
) -> str:
    """Return the signature header's value, "sha256=" and 64 hex digits.

    `timestamp` is the time of sending in seconds of the Unix epoch, "" for GitHub's hooks.
    `attributes` are the `ce-` headers of a CloudEvent in the binary mode.
    """
    text = timestamp.encode() + b"." if timestamp else b""
    if attributes:
        lines = sorted((name.lower(), value.strip()) for name, value in attributes.items())
        text += "".join(f"{name}:{value}\n" for name, value in lines).encode() + b"\n"
    return PREFIX + hmac.new(secret.encode(), text + body, hashlib.sha256).hexdigest()


def is_signed(
    secret: str,
    body: bytes,
    signature: str,
    timestamp: str = "",
    attributes: Mapping[str, str] | None = None,
) -> bool:
    """Return whether the signature was made with the secret over this content.

    The comparison takes constant time. Headers outside ASCII, or with line breaks, are never
    signed.
    """
    given = (signature, timestamp, *(attributes or {}), *(attributes or {}).values())
    if not all(text.isascii() and text.isprintable() for text in given):
        return False
    expected = sign(secret, body, timestamp, attributes)
    return hmac.compare_digest(expected.encode(), signature.strip().encode())


def is_timely(timestamp: str, now: datetime) -> bool:
    """Return whether a signed time, in seconds of the Unix epoch, is within WINDOW of now.

    Hooks that cannot have a time have "", which is always timely.
    """
    if not timestamp:
        return True
    if not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > 12:
        return False
    return abs(now.timestamp() - int(timestamp)) <= WINDOW.total_seconds()


def has_password(secret: str, authorization: str) -> bool:
    """Return, in constant time, whether basic authentication sends the secret as its password."""
    scheme, _, text = authorization.partition(" ")
    if scheme.lower() != "basic":
        return False
    try:
        _, _, password = base64.b64decode(text.strip(), validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return False
    return hmac.compare_digest(password, secret.encode())
