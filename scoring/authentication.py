"""Authenticates the callers of the service by keys, of which it knows only the SHA-256 digests.

A key has 256 random bits, so its digest can be neither guessed nor turned back. The digests come
from a file, which is read again when it changes: keys are rotated while the service runs.

- A caller's key (`Authorization: Bearer <key>`) opens `/score` and `/openapi.json`; so does an
  Entra token where SCORING_ENTRA configures it (entra.py).
- The probe's secret (`X-Probe-Key`) is the platform's own: it opens `/metrics`, too, and only with
  it a request may stay out of the prediction log or choose its prediction id.
- `/healthz` is open, because kubelets and load balancers send no credentials.
"""

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from scoring.entra import Entra, EntraDownError, is_token, read_entra

KEYS, KEYS_FILE, FRONT = "SCORING_KEYS", "SCORING_KEYS_FILE", "SCORING_AUTHENTICATED_BY"
# Azure ML checks the caller's Entra token itself and is the only way to the container.
FRONTS = ("azure-ml",)
PROBE_KEY = "X-Probe-Key"
OPEN_PATHS, PROBE_PATHS = ("/healthz",), ("/metrics",)
IS_PROBE = web.RequestKey("is_probe", bool)
# The name of the caller's key or application, for the prediction log.
CALLER = web.RequestKey("caller", str)
_REREAD_SECONDS = 1.0
_DIGITS = frozenset("0123456789abcdef")
Respond = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The digests of the callers' keys by name, and of the probe's secret, each of 32 bytes."""

    callers: Mapping[str, bytes] = field(default_factory=dict)
    probes: tuple[bytes, ...] = ()


class Keyring:
    """The accepted keys; `front` says that Azure ML checks the callers in front of the service.

    `entra` checks tokens beside the keys, None where tokens are not taken.
    """

    def __init__(
        self,
        accepted: Accepted,
        file: Path | None = None,
        front: str = "",
        entra: Entra | None = None,
    ) -> None:
        self._accepted, self._file, self.front, self.entra = accepted, file, front, entra
        self._stamp: object = None
        self._next = 0.0
        if file is not None:
            self._accepted = _parse(file.read_text(encoding="utf-8"), str(file))
            self._stamp = _stamp(file)
            self._next = time.monotonic() + _REREAD_SECONDS

    def find_caller(self, key: str) -> str | None:
        """Return the name of this caller's key; None when it is not a key of a caller."""
        # Read once: a rotation between two reads would admit a key and not know its name.
        callers = self._read().callers
        # Each digest is compared, so that the time of an answer does not depend on the key.
        names = [name for name, digest in callers.items() if _matches(key, (digest,))]
        return names[0] if names else None

    def admits_probe(self, key: str) -> bool:
        """Return whether this is the platform's own secret."""
        return _matches(key, self._read().probes)

    def _read(self) -> Accepted:
        """Return the present keys; the file is checked for changes at most once a second.

        A file that is gone or half written changes nothing: the former keys stay valid.
        """
        now = time.monotonic()
        if self._file is not None and now >= self._next:
            self._next = now + _REREAD_SECONDS
            try:
                stamp = _stamp(self._file)
                if stamp != self._stamp:
                    text = self._file.read_text(encoding="utf-8")
                    self._accepted, self._stamp = _parse(text, str(self._file)), stamp
            except (OSError, ValueError):
                return self._accepted
        return self._accepted


def read_keyring(environ: Mapping[str, str]) -> Keyring:
    """Return the keys that the environment names; ValueError when it names none or wrong ones."""
    text, file, front = (environ.get(name, "") for name in (KEYS, KEYS_FILE, FRONT))
    if front and front not in FRONTS:
        raise ValueError(f"{FRONT} is {front!r}. The only value is {FRONTS[0]}.")
    entra = read_entra(environ)
    if file:
        try:
            return Keyring(Accepted(), Path(file), front, entra)
        except OSError as error:
            raise ValueError(f"{KEYS_FILE} cannot be read: {error.strerror}.") from error
    if text:
        return Keyring(_parse(text, KEYS), front=front, entra=entra)
    raise ValueError(
        f"no keys. {KEYS_FILE} names a file, or {KEYS} holds its content: "
        '{"keys": {"primary": "<SHA-256 of a key, 64 hex digits>"}, "probe": "<SHA-256>"}.'
    )


def guard(keyring: Keyring) -> Any:
    """Return the middleware that answers 401 to requests without a key, before a body is read."""

    @web.middleware
    async def guarded(request: web.Request, handler: Respond) -> web.StreamResponse:
        resource = request.match_info.route.resource
        path = resource.canonical if resource is not None else ""
        if path in OPEN_PATHS:
            return await handler(request)
        refusal = await _refusal(keyring, request, path)
        return await handler(request) if refusal is None else refusal

    return guarded


async def _refusal(keyring: Keyring, request: web.Request, path: str) -> web.Response | None:
    """Return why this request is not answered, None when it may be."""
    secrets = request.headers.getall(PROBE_KEY, [])
    if secrets:
        # A wrong secret is refused even beside a valid key, so that it never looks accepted.
        if len(secrets) == 1 and keyring.admits_probe(secrets[0].strip()):
            request[IS_PROBE] = True
            return None
        return _unauthenticated(f"The secret in {PROBE_KEY} is not this service's.", wrong=True)
    if path in PROBE_PATHS:
        return _unauthenticated(f"{path} takes the platform's own secret, in {PROBE_KEY}.")
    if keyring.front:
        return None
    given = request.headers.getall("Authorization", [])
    if not given:
        text = "Send a key of this model as `Authorization: Bearer <key>`"
        if request.query_string:
            text += "; a key in the address is not taken, because addresses are logged"
        return _unauthenticated(f"{text}. `mlopsctl endpoint <model>` shows the whole command.")
    scheme, _, key = given[0].partition(" ")
    if len(given) == 1 and scheme.lower() == "bearer":
        caller = keyring.find_caller(key.strip())
        if caller is not None:
            request[CALLER] = caller
            return None
        if keyring.entra is not None and is_token(key.strip()):
            return await _refusal_of_token(request, keyring.entra, key.strip())
    text = "The key is not one of this model's, or was rotated twice since it was issued."
    return _unauthenticated(f"{text} `mlopsctl endpoint <model>` shows where the present one is.",
                            wrong=True)  # fmt: skip


async def _refusal_of_token(request: web.Request, entra: Entra, token: str) -> web.Response | None:
    try:
        # Not on the event loop, because the check may have to read Entra's keys.
        app = await asyncio.to_thread(entra.application, token)
        if app is not None:
            request[CALLER] = app
            return None
    except EntraDownError:
        message = "Entra's keys cannot be read now. Send the request again, or send a key."
        return web.json_response(
            {"error": {"code": "ENTRA_UNAVAILABLE", "message": message}},
            status=503,
            headers={"Retry-After": "10"},
        )
    text = (
        "Entra did not issue this token for this service, it has expired, or it has neither a role "
        "nor an application that may call."
    )
    return _unauthenticated(text, wrong=True)


def _unauthenticated(message: str, *, wrong: bool = False) -> web.Response:
    # RFC 6750, section 3: a request without a credential gets no error code.
    challenge = 'Bearer realm="scoring"' + (', error="invalid_token"' if wrong else "")
    return web.json_response(
        {"error": {"code": "UNAUTHENTICATED", "message": message}},
        status=401,
        headers={"WWW-Authenticate": challenge},
    )


def _matches(key: str, digests: tuple[bytes, ...]) -> bool:
    # Bytes that are no UTF-8 arrive as surrogates. Each digest is compared, in constant time.
    own = hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()
    matches = False
    for digest in digests:
        matches |= hmac.compare_digest(own, digest)
    return matches


def _parse(text: str, where: str) -> Accepted:
    """Return the digests of a JSON text; ValueError, which shows none of it, when it is wrong."""
    try:
        content = json.loads(text)
        keys, probe = content.get("keys", {}), content.get("probe", "")
        callers = {name: _digest(entry) for name, entry in keys.items()}
        return Accepted(callers=callers, probes=(_digest(probe),) if probe else ())
    except (ValueError, AttributeError, RecursionError) as error:
        raise ValueError(
            f'{where} is not {{"keys": {{"<name>": "<64 hex digits>"}}, "probe": "<64 hex '
            'digits>"}: SHA-256 digests of keys, not the keys.'
        ) from error


def _digest(text: object) -> bytes:
    if not isinstance(text, str) or len(text) != 64 or not _DIGITS.issuperset(text):
        raise ValueError("no digest")
    return bytes.fromhex(text)


def _stamp(file: Path) -> object:
    stat = file.stat()
    return stat.st_mtime_ns, stat.st_ino, stat.st_size
