"""Approvers on this machine: a secret token each, in a file that only its owner may read."""

import hashlib
import hmac
import os
import secrets
from contextlib import suppress
from pathlib import Path


class LocalApprovers:
    """Knows people by the token they send."""

    def __init__(self, state: Path) -> None:
        self._folder = state / "approvers"

    def ensure(self, name: str) -> None:
        """Make the token of a person once; an empty file is replaced, since nobody can use it."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self._folder / f"{name}.token"
        with suppress(FileNotFoundError):
            if not path.read_bytes().strip():
                path.unlink()
        try:
            file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return
        with os.fdopen(file, "w") as out:
            out.write(secrets.token_urlsafe(32))

    def identify(self, token: str) -> str | None:
        found = None
        # Every file is compared, by digest, so that the time tells nothing.
        for path in self._folder.glob("*.token"):
            try:
                known = path.read_text(encoding="utf-8").strip()
            except (OSError, ValueError):
                continue  # somebody else's file must not keep the other approvers out
            if known and hmac.compare_digest(_digest(known), _digest(token)):
                found = path.stem
        return found


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
