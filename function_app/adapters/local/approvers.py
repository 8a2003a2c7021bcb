"""Approvers on this machine: known by the digest of a secret token each."""

import os
from pathlib import Path

from configuration.people.tokens import IssuedTokens, config_folder, copies_of
from function_app.errors import PlatformError


class LocalApprovers:
    """Identifies people by the token that they send; stores only digests of tokens."""

    def __init__(self, state: Path) -> None:
        self._tokens = IssuedTokens(state, copies_of(state, os.environ))

    def ensure(self, name: str) -> None:
        """Issue the first token of a person, whose copy goes to this user's own folder.

        PlatformError when that folder cannot be written.
        """
        try:
            self._tokens.ensure(name)
        except OSError as error:
            where = error.filename or config_folder(os.environ)
            text = (
                f"{where} cannot be written: {error.strerror}. Set "
                "MLOPS_CONFIG to a folder of yours, and start again."
            )
            raise PlatformError("local", f"store the token of {name}", text) from error

    def identify(self, token: str) -> str | None:
        """Return the person with this token, else None; PlatformError for unreadable records."""
        try:
            return self._tokens.identify(token)
        except OSError as error:
            text = f"The records of tokens cannot be read now: {error.strerror}. Try again."
            raise PlatformError("local", "identify a person", text) from error
