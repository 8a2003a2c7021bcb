"""The tree of this app's errors.

MlopsError
├── ConfigError      a setting or mlops.toml is wrong
├── ContractError    what came in does not have the agreed shape
├── NotFoundError    what was named does not exist
├── ConflictError    the state of things forbids it
├── RefusedError     who asks is unknown or may not do it
│   └── NotAuthorisedError  no stored decision or order authorises a change of production
├── ThrottledError   more came than the limits allow; to be sent again later
└── PlatformError    a platform (Azure or this machine) did not do what was asked
    └── AttemptError an attempt of a build or a deployment failed; the next call starts a new one

Texts read `CODE: what failed. What we saw. What to do.`, because a story sees the text only.
"""


class MlopsError(Exception):
    """An error of this app with a stable code."""

    code = "MLOPS"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        self.code = code or type(self).code
        self.message = message
        super().__init__(f"{self.code}: {message}")


class ConfigError(MlopsError, ValueError):
    """A setting or mlops.toml is wrong."""

    code = "CONFIG"


class ContractError(MlopsError, ValueError):
    """What came in does not have the agreed shape."""

    code = "CONTRACT"


class NotFoundError(MlopsError, LookupError):
    """What was named does not exist."""

    code = "NOT_FOUND"


class ConflictError(MlopsError):
    """The state of things forbids what was asked."""

    code = "CONFLICT"


class RefusedError(MlopsError):
    """Who asks is unknown, or may not do it."""

    code = "UNAUTHENTICATED"


class NotAuthorisedError(RefusedError):
    """No stored decision or order authorises the change of production."""

    code = "NOT_AUTHORISED"


class ThrottledError(MlopsError):
    """More came than the limits allow; `retry_after` is in seconds."""

    code = "THROTTLED"

    def __init__(self, message: str, *, retry_after: int) -> None:
        self.retry_after = retry_after
        super().__init__(message)


class PlatformError(MlopsError):
    """A platform did not do what an adapter asked of it."""

    code = "PLATFORM"

    def __init__(self, platform: str, operation: str, message: str) -> None:
        self.platform = platform
        self.operation = operation
        super().__init__(f"{platform} could not {operation}. {message}")


class AttemptError(PlatformError):
    """An attempt of a build or a deployment failed; the next call starts a new attempt.

    An adapter raises it once for each attempt, to the caller that polls this attempt.
    """
