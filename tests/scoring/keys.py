"""Keys of a scoring service that a test starts by itself."""

import json
from hashlib import sha256
from typing import Any

KEY, OTHER_KEY, PROBE = "key-of-a-caller", "second-key-of-a-caller", "secret-of-the-platform"
CALLER = {"Authorization": f"Bearer {KEY}"}
AS_PROBE = {"X-Probe-Key": PROBE}


def digest(key: str) -> str:
    return sha256(key.encode()).hexdigest()


def content(*keys: str, probe: str = PROBE) -> dict[str, Any]:
    """Return the environment that names these keys to a service."""
    names = ("primary", "secondary")
    return {
        "keys": {name: digest(key) for name, key in zip(names, keys, strict=False)},
        "probe": digest(probe),
    }


# The environment of a service that takes KEY and PROBE.
KEYS = {"SCORING_KEYS": json.dumps(content(KEY))}
