"""Tokens of people on one machine: the state keeps digests, a client keeps its own copies.

The copies are in the user's configuration folder, named by their state folder or by the origin of
their remote app, so that code which may read the state finds no token in it.
"""

import contextlib
import errno
import fcntl
import hashlib
import hmac
import os
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TextIO
from urllib.parse import quote, unquote

# The prefix shows people and the redaction of texts that this is a token.
PREFIX = "mlopsat_"
_DIGEST, _PLAIN, _COPY = ".sha256", ".token", ".token"
_REVOKED = "revoked"


def config_folder(environ: Mapping[str, str]) -> Path:
    """Return this user's folder: MLOPS_CONFIG, else `mlops` in XDG_CONFIG_HOME or ~/.config."""
    if own := environ.get("MLOPS_CONFIG"):
        return Path(own).absolute()
    base = environ.get("XDG_CONFIG_HOME", "")
    # The XDG specification: a relative path counts as not set.
    folder = Path(base) if base.startswith("/") else Path.home() / ".config"
    return folder / "mlops"


def folder_name(issuer: str) -> str:
    """Return a legible, unique folder name for one state folder or one origin."""
    slug = "".join(sign if sign.isalnum() else "-" for sign in issuer)[-40:].strip("-")
    digest = hashlib.sha256(issuer.encode("utf-8", "surrogateescape")).hexdigest()[:12]
    return f"{slug}-{digest}"


class ClientTokens:
    """The tokens that this user may send, in files of mode 0600 and folders of mode 0700."""

    def __init__(self, folder: Path, issuer: str) -> None:
        """Take the user's folder, and the issuer of the tokens: a state folder or an origin."""
        self._top = folder
        self._folder = folder / "tokens" / folder_name(issuer)

    def find(self, person: str) -> str:
        """Return the token of a person, "" when there is none that can be sent."""
        token = _read(self.path(person))
        return token if token.isascii() else ""

    def people(self) -> list[str]:
        """Return the names of all people whose tokens this user may send."""
        names = {unquote(path.name.removesuffix(_COPY)) for path in self._folder.glob(f"*{_COPY}")}
        return sorted(name for name in names if self.find(name))

    def keep(self, person: str, token: str) -> None:
        """Keep the copy; OSError when the folder cannot be written."""
        for folder in (self._top, self._folder.parent, self._folder):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write(self.path(person), token)

    def forget(self, person: str) -> None:
        """Remove the copy, if there is one."""
        self.path(person).unlink(missing_ok=True)

    def path(self, person: str) -> Path:
        """Return the path of the copy of a person's token."""
        return self._folder / f"{quote(person, safe='@')}{_COPY}"


def copies_of(state: Path, environ: Mapping[str, str]) -> ClientTokens:
    """Return this user's copies of the tokens that a state folder issued."""
    return ClientTokens(config_folder(environ), str(state.resolve()))


class IssuedTokens:
    """The digests of the tokens that a state folder has issued; one person has one token."""

    def __init__(self, state: Path, copies: ClientTokens) -> None:
        """Take the state folder, and the store for copies of new tokens."""
        self._folder, self._copies = state / "approvers", copies

    def ensure(self, person: str) -> bool:
        """Issue the first token of a person; return whether this call issued it.

        A record that cannot be read is replaced, a revoked token is not. OSError when the copy
        cannot be written.
        """
        with self._locked():
            self._take_over()
            if _read(self._path(person)):
                return False
            self._issue(person)
            return True

    def issue(self, person: str, *, copy: bool = True) -> str:
        """Return a new token of a person; an earlier token becomes invalid."""
        with self._locked():
            self._take_over()
            return self._issue(person, copy=copy)

    def revoke(self, person: str) -> None:
        """Revoke the token of a person until a new token is issued."""
        with self._locked():
            self._take_over()
            _write(self._path(person), _REVOKED)
            self._copies.forget(person)

    def identify(self, token: str) -> str | None:
        """Return the person whose token this is, None for an unknown token.

        Each record is compared in constant time, so that the time of an answer tells nothing.
        """
        owner, digest = None, _digest(token)
        for path in self._folder.glob(f"*{_DIGEST}"):
            if hmac.compare_digest(_read(path).encode(), digest.encode()):
                owner = unquote(path.name.removesuffix(_DIGEST))
        return owner

    def people(self) -> dict[str, bool]:
        """Return all people who have had a token, and whether that token is valid."""
        records = {path: _read(path) for path in sorted(self._folder.glob(f"*{_DIGEST}"))}
        return {
            unquote(path.name.removesuffix(_DIGEST)): content != _REVOKED
            for path, content in records.items()
            if content
        }

    def _issue(self, person: str, *, copy: bool = True) -> str:
        token = PREFIX + secrets.token_urlsafe(32)
        # The copy comes first: after a crash in between, the next start issues another token.
        if copy:
            self._copies.keep(person, token)
        else:
            self._copies.forget(person)
        _write(self._path(person), _digest(token))
        return token

    def _take_over(self) -> None:
        """Replace the plain tokens that version 0.1.0 kept in the state by digests and copies."""
        for path in self._folder.glob(f"*{_PLAIN}"):
            person, token = path.name.removesuffix(_PLAIN), _read(path)
            if token and not _read(self._path(person)):
                self._copies.keep(person, token)
                _write(self._path(person), _digest(token))
            with contextlib.suppress(IsADirectoryError, PermissionError):
                path.unlink()

    def _path(self, person: str) -> Path:
        return self._folder / f"{quote(person, safe='@')}{_DIGEST}"

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Lock the issuing of tokens, so that only one of two starting processes issues."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder.chmod(0o700)
        with _opened(self._folder / "lock") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _opened(path: Path) -> TextIO:
    """Return an open lock file; OSError when it is a symbolic link, which is never followed."""
    return open(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600), "w")


def _digest(token: str) -> str:
    """Return the SHA-256: a token of 256 random bits needs no salt and no slow hash."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _read(path: Path) -> str:
    """Return the content of a record, "" for an unreadable one, which must not lock others out.

    OSError when the machine itself fails, because a revoked token must not look like an absent one.
    """
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        if error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO):
            raise
        return ""
    except ValueError:
        return ""


def _write(path: Path, content: str) -> None:
    """Replace a file atomically; only its owner may read it."""
    unfinished = path.with_name(f".{path.name}.new")
    unfinished.unlink(missing_ok=True)
    file = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(file, "w") as out:
        out.write(f"{content}\n")
        out.flush()
        os.fsync(out.fileno())
    unfinished.replace(path)
