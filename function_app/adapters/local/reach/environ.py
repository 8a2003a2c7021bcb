"""The environments of processes that must not see the app's settings and keys."""

import os

from function_app.telemetry import OTLP_ENDPOINT

_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT")


def plain_environ() -> dict[str, str]:
    """Return the environment for code that must not see the app's settings."""
    return {name: os.environ[name] for name in _PASSED_ON if name in os.environ}


def serving_environ() -> dict[str, str]:
    """Return the environment of a service, which includes the address for its spans."""
    endpoint = os.environ.get(OTLP_ENDPOINT)
    return {**plain_environ(), **({OTLP_ENDPOINT: endpoint} if endpoint else {})}
