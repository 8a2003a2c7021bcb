"""The keys of one state folder, and the functions that each key opens.

Source: Azure Functions documentation, "Work with access keys in Azure Functions".
"""

from __future__ import annotations

import hmac
import json
import os
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from funchost.app.indexing import HostedFunction
from funchost.app.settings import SettingsError

if TYPE_CHECKING:
    from aiohttp import web


@dataclass(frozen=True, kw_only=True)
class Keys:
    """The secrets: a master key, a key for all functions, a key per function, two system keys."""

    master: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    host: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    system: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    eventgrid: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    topic: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    functions: dict[str, str] = field(default_factory=dict)


def write_private(path: Path, text: str) -> None:
    """Write a file atomically, readable by its owner only.

    A file or a symbolic link in the place of the new file is removed, never written through.
    """
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    fresh.replace(path)


def read_keys(state: Path, functions: list[str] | None = None) -> Keys:
    """Read the keys of a state folder, making those that are missing."""
    path = state / "keys.json"
    keys = _read(path) if path.exists() else Keys()
    for name in functions or []:
        keys.functions.setdefault(name, secrets.token_urlsafe(32))
    text = json.dumps(asdict(keys), indent=2)
    if not path.exists() or path.read_text() != text:
        write_private(path, text)
    return keys


def _read(path: Path) -> Keys:
    """Return the keys in a file; SettingsError when it holds something else."""
    try:
        keys = Keys(**json.loads(path.read_text()))
        named = [keys.master, keys.host, keys.system, keys.eventgrid, keys.topic]
        is_valid = all(isinstance(key, str) for key in [*named, *keys.functions.values()])
    except (ValueError, TypeError, AttributeError):
        is_valid = False
    if not is_valid:
        raise SettingsError(f"{path} does not hold the keys of a host. Delete it to make new keys.")
    return keys


def given_key(request: web.Request) -> str:
    """Return the key that a request carries, in its query or its header."""
    return request.query.get("code", "") or request.headers.get("x-functions-key", "")


def opens(given: str, *accepted: str) -> bool:
    """Return whether the given key is one of the accepted ones, in constant time for each."""
    # A header may hold any byte; aiohttp hands bytes that are no UTF-8 on as surrogates.
    sent = given.encode("utf-8", "surrogateescape")
    return any(hmac.compare_digest(sent, key.encode()) for key in accepted)


class Guard:
    """Enforces the authorization levels of HTTP functions; `func start` leaves them open."""

    def __init__(self, keys: Keys, *, active: bool, webhook: bool = False) -> None:
        """Take the keys; an inactive guard lets everyone in.

        With `webhook`, the Event Grid webhook asks for its key also when the guard is inactive.
        """
        self._keys, self.active = keys, active
        self._webhook = active or webhook

    def admits(self, function: HostedFunction, request: web.Request) -> bool:
        """Return whether a request may invoke a function."""
        raw = function.trigger.get("authLevel") or "FUNCTION"
        level = str(getattr(raw, "value", raw)).upper()
        if not self.active or level == "ANONYMOUS":
            return True
        keys = self._keys
        if level == "ADMIN":
            return opens(given_key(request), keys.master)
        own = keys.functions.get(function.name, "")
        return opens(given_key(request), keys.master, keys.host, *([own] if own else []))

    def admits_system(self, request: web.Request) -> bool:
        """Return whether a request may call the Event Grid webhook."""
        accepted = (self._keys.master, self._keys.eventgrid)
        return not self._webhook or opens(given_key(request), *accepted)
