"""The one table from errors to HTTP statuses."""

from typing import TypedDict

from function_app.domain.text.redaction import redact
from function_app.errors import (
    ConflictError,
    ContractError,
    MlopsError,
    NotFoundError,
    PlatformError,
    RefusedError,
    ThrottledError,
)
from function_app.triggers.invocation import Answer


class ErrorFacts(TypedDict):
    """The stable code of an error, and the problem with its remedy in words."""

    code: str
    message: str


class ErrorAnswer(TypedDict):
    """An error."""

    error: ErrorFacts


_BY_CODE = {
    "NOT_AN_APPROVER": 403,
    "NOT_AN_OPERATOR": 403,
    "NOT_AUTHORISED": 403,
    "SEPARATION_OF_DUTIES": 403,
    "UNKNOWN_AUTHOR": 403,
    "UNKNOWN_TOPIC": 403,
    "OUT_OF_SCOPE": 403,
    "UNKNOWN_MODEL": 404,
    "UNKNOWN_REPOSITORY": 404,
    "UNKNOWN_VERSION": 404,
    "UNKNOWN_CODE": 404,
    "UNKNOWN_COMMIT": 404,
    "UNKNOWN_FILE": 404,
    "UNKNOWN_IMAGE": 404,
    "UNKNOWN_REPORT": 404,
    "UNKNOWN_RUN": 404,
    "FOREIGN_VERSION": 409,
    "TOO_LARGE": 413,
}
_BY_TYPE: tuple[tuple[type[MlopsError], int], ...] = (
    (ContractError, 400),
    (RefusedError, 401),
    (NotFoundError, 404),
    (ConflictError, 409),
    (ThrottledError, 429),
    (PlatformError, 502),
    (MlopsError, 500),
)


def answer_error(error: MlopsError) -> Answer[ErrorAnswer]:
    """Return a status with the stable code and the remedy."""
    status = _BY_CODE.get(error.code) or next(s for kind, s in _BY_TYPE if isinstance(error, kind))
    headers = {}
    if isinstance(error, ThrottledError):
        headers = {"Retry-After": str(error.retry_after)}
    content: ErrorAnswer = {"error": {"code": error.code, "message": redact(error.message)}}
    return Answer(status=status, content=content, headers=headers)
