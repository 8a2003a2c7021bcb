"""Approvers on this machine: a secret token each, in a file that only its owner may read."""

import hashlib
import hmac
import os
import secrets
from pathlib import Path

from function_app.adapters.local.files import locked
from function_app.addresses import below


class LocalApprovers:
    """Knows people by the token they send."""

    def __init__(self, state: Path) -> None:
        self._folder = state / "approvers"

    def ensure(self, name: str) -> None:
        """Make the token of a person once; one that cannot be read is replaced by a new one."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = below(self._folder, f"{name}.token")
        # Of two processes that start at once one makes the token, and a crash leaves none in half.
        with locked(self._folder / "lock"):
            if _read(path):
                return
            part = path.with_suffix(".new")
            part.unlink(missing_ok=True)
            file = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(file, "w") as out:
                out.write(secrets.token_urlsafe(32))
            os.replace(part, path)

    def identify(self, token: str) -> str | None:
        found = None
        # Every file is compared, by digest, so that the time tells nothing.
        for path in self._folder.glob("*.token"):
            known = _read(path)
            if known and hmac.compare_digest(_digest(known), _digest(token)):
                found = path.stem
        return found


def _read(path: Path) -> str:
    """Return the token of a file, "" when it holds none: it must not keep other approvers out."""
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        return ""


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
