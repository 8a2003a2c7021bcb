"""Azure Resource Manager as the SDKs see it: tokens, faults, long operations; services plug in."""

import base64
import copy
import itertools
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from tests.azure_servers.base import Answer, Request, Server
from tests.azure_servers.tls import Tls


class Service(Protocol):
    """The resources of one provider; it answers None to paths of other providers."""

    def respond(self, request: Request) -> Answer | None: ...


@dataclass(slots=True, kw_only=True)
class Fault:
    """A wrong answer to some requests: of a method, with a text in the path, a number of times.

    `after` lets the request take effect first and loses its answer.
    """

    method: str
    path: str
    answer: Answer
    times: int = 1
    after: bool = False


class ArmServer(Server):
    """Asks for a bearer token of its own audience, as every Azure service does."""

    def __init__(self, tls: Tls) -> None:
        self.services: list[Service] = []
        self.answers: list[tuple[Request, Answer]] = []
        self.faults: list[Fault] = []
        # By method: the answer to a request after its effect, if it succeeded. Azure may
        # take long work with a 202 or a 204 that has no body.
        self.bare: dict[str, Answer] = {}
        self.bare_except = ""  # not for paths that contain this
        self.operations: dict[str, Callable[[], Answer]] = {}
        self._numbers, self._lock = itertools.count(1), threading.RLock()
        super().__init__(self._respond, tls)

    def fail(self, method: str, path: str, answer: Answer, times: int = 1) -> None:
        """Answer the next requests of this kind with this instead."""
        self.faults.append(Fault(method=method, path=path, answer=answer, times=times))

    def lose_answer(self, method: str, path: str) -> None:
        """Carry the next request of this kind out, and fail on the way back with no retry."""
        gone = error(400, "LostAnswer", "the answer is lost on its way")
        self.faults.append(Fault(method=method, path=path, answer=gone, after=True))

    def begin(self, check: Callable[[], Answer]) -> dict[str, str]:
        """Return the headers of a long operation, whose status `check` tells."""
        number = next(self._numbers)
        self.operations[str(number)] = check
        return {"Azure-AsyncOperation": f"{self.url}/operations/{number}?api-version=1"}

    def _respond(self, request: Request) -> Answer:
        with self._lock:
            refused = self._check(request)
            if refused is not None:
                return refused
            for fault in self.faults:
                matches = fault.method == request.method and fault.path in request.path
                if matches and fault.times > 0:
                    fault.times -= 1
                    if fault.after:
                        self._route(request)
                    return fault.answer
            answer = self._route(request)
            is_bare = not (self.bare_except and self.bare_except in request.path)
            if answer.status < 300 and request.method in self.bare and is_bare:
                return self.bare[request.method]
            # A copy of the present state, because services change their resources.
            self.answers.append((request, copy.deepcopy(answer)))
            return answer

    def _route(self, request: Request) -> Answer:
        if request.path.startswith("/operations/"):
            check = self.operations.get(request.path.removeprefix("/operations/"))
            return check() if check else error(404, "NotFound", "no such operation")
        for service in self.services:
            answer = service.respond(request)
            if answer is not None:
                return answer
        return error(404, "ResourceNotFound", f"The Resource {request.path} was not found.")

    def _check(self, request: Request) -> Answer | None:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if audience(token).rstrip("/") != self.url:
            return error(401, "InvalidAuthenticationTokenAudience", "the token is for another")
        if "api-version" not in request.query:
            return error(400, "MissingApiVersionParameter", "The api-version is required.")
        return None


def audience(token: str) -> str:
    """Return the audience of a token; its signature is the identity server's matter."""
    return claim(token, "aud").removesuffix("/.default")


def claim(token: str, name: str) -> str:
    """Return a claim of a token, "" when it has none."""
    try:
        body = token.split(".")[1]
        content = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        return str(content[name])
    except (IndexError, ValueError, KeyError):
        return ""


def error(status: int, code: str, message: str, **headers: str) -> Answer:
    """Return an error in the shape that Resource Manager gives it."""
    content = {"error": {"code": code, "message": message}}
    return Answer(status=status, content=content, headers=headers)


THROTTLED = error(429, "TooManyRequests", "Slow down.", **{"Retry-After": "1"})
DENIED = error(403, "AuthorizationFailed", "The client does not have authorization.")
BROKEN = error(500, "InternalServerError", "Something went wrong.")


def refuse_unknown(body: dict[str, Any], allowed: set[str], required: set[str]) -> str | None:
    """Return the fault of the fields of a body, None when they are valid."""
    if unknown := sorted(set(body) - allowed):
        return f"unknown fields: {', '.join(unknown)}"
    if absent := sorted(name for name in required if body.get(name) in (None, "")):
        return f"missing fields: {', '.join(absent)}"
    return None
