"""The tree of this app's errors.

MlopsError
├── ConfigError      a setting or mlops.toml is wrong
├── ContractError    an input does not have the agreed shape
├── NotFoundError    a named thing does not exist
├── ConflictError    the present state forbids the request
├── RefusedError     the caller is unknown or has no permission
│   └── NotAuthorisedError  no stored decision or order authorises a change of production
├── ThrottledError   a caller sent more than the limits allow; it may send it again later
└── PlatformError    a platform (Azure or this machine) failed to carry out a request
    └── AttemptError an attempt of a build or a deployment failed; the next call starts a new one

A text has the form `CODE: failure. Observation. Remedy.`, because a story sees the text only.
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
    """An input does not have the agreed shape."""

    code = "CONTRACT"


class NotFoundError(MlopsError, LookupError):
    """A named thing does not exist."""

    code = "NOT_FOUND"


class ConflictError(MlopsError):
    """The present state forbids the request."""

    code = "CONFLICT"


class RefusedError(MlopsError):
    """The caller is unknown or has no permission."""

    code = "UNAUTHENTICATED"


class NotAuthorisedError(RefusedError):
    """The stored decisions and orders do not authorise the change of production."""

    code = "NOT_AUTHORISED"


class ThrottledError(MlopsError):
    """A caller sent more than the limits allow; `retry_after` is in seconds."""

    code = "THROTTLED"

    def __init__(self, message: str, *, retry_after: int) -> None:
        self.retry_after = retry_after
        super().__init__(message)


# A platform as the subject of a sentence; a name that is missing here is shown as it is.
_SUBJECTS = {
    "app": "The app",
    "audit": "The audit log",
    "azure": "Azure",
    "git": "Git",
    "local": "This machine",
    "messages": "The app",
    "records": "The app",
}


class PlatformError(MlopsError):
    """A platform failed to carry out a request of an adapter.

    The text has two sentences: the platform and the operation that failed, then the reason.
    """

    code = "PLATFORM"

    def __init__(self, platform: str, operation: str, message: str) -> None:
        self.platform = platform
        self.operation = operation
        self.reason = message
        subject = _SUBJECTS.get(platform, platform)
        super().__init__(f"{subject} could not {operation}. {message}")


class AttemptError(PlatformError):
    """An attempt of a build or a deployment failed; the next call starts a new attempt.

    An adapter raises it once for each attempt, to the caller that polls this attempt.
    """
