"""Keys of production on this machine: digests in the state folder, keys with the person.

The callers' keys lie in the user's own configuration folder, each as the header that curl takes
from a file (`-H @FILE`), so that no key stands in a command line. The state folder has digests.
"""

import os
from pathlib import Path
from typing import Any

from function_app.adapters.local.reach.files import locked, raise_fault, read_object
from function_app.adapters.scoring_service.scoring_keys import (
    PRIMARY,
    SECONDARY,
    Digests,
    describe_keys,
    digest_of,
    new_key,
    production_secret,
    staging_secret,
)
from function_app.errors import NotFoundError, PlatformError

SCHEME = "Authorization: Bearer "


class LocalKeys:
    """The keys of one state folder; `folder` is the user's, for this state folder."""

    def __init__(self, state: Path, folder: Path) -> None:
        self._state, self._folder = state, folder

    def ensure(self, model: str) -> Path:
        """Make the keys of a model once; return the file that its service reads."""
        file = self.file(model)
        with locked(file.with_name("lock")):
            stored = _stored(file)
            if stored is None:
                self._write(model, new_key(), new_key())
            elif read_object(file).get("probe") != _probe_digest(self._master(), model):
                _write(file, describe_keys(stored, self.production_secret(model)))
        return file

    def rotate(self, model: str) -> str:
        """Replace the older key and make it the first; return how a caller sends it."""
        file = self.file(model)
        with locked(file.with_name("lock")):
            stored = _stored(file)
            if stored is None:
                raise NotFoundError(f"{model} has no keys. Promote a release first.")
            header, key = self._header(model, PRIMARY), new_key()
            former, secondary = _read(header), stored.primary
            digest = digest_of(former.removeprefix(SCHEME)) if former else ""
            # After a crash below, the copy still has the key that counts as the secondary one.
            if digest and digest in (stored.primary, stored.secondary):
                secondary = digest
                _write(self._header(model, SECONDARY), former + "\n")
            new = Digests(primary=digest_of(key), secondary=secondary)
            _write(file, describe_keys(new, self.production_secret(model)))
            # The copy last: a crash before it leaves callers with the former key, which counts.
            _write(header, f"{SCHEME}{key}\n")
        return self.header(model)

    def header(self, model: str) -> str:
        """Return the argument of `curl -H`: the file with the header of the first key."""
        return f"@{self._header(model, PRIMARY)}"

    def file(self, model: str) -> Path:
        """Return the file that a model's service reads, in a folder of its own."""
        return keys_file(self._state / "production" / model)

    def production_secret(self, model: str) -> str:
        """Return the platform's own secret of a model's production."""
        return production_secret(self._master(), model)

    def staging_secret(self, release_id: str) -> str:
        """Return the platform's own secret of a release's staging."""
        return staging_secret(self._master(), release_id)

    def _write(self, model: str, primary: str, secondary: str) -> None:
        for name, key in ((PRIMARY, primary), (SECONDARY, secondary)):
            _write(self._header(model, name), f"{SCHEME}{key}\n")
        digests = Digests(primary=digest_of(primary), secondary=digest_of(secondary))
        _write(self.file(model), describe_keys(digests, self.production_secret(model)))

    def _master(self) -> str:
        path = self._state / "secrets" / "probe"
        master = _read(path)
        if not master:
            with locked(path.with_name("lock")):
                master = _read(path)
                if not master:
                    master = new_key()
                    _write(path, master + "\n")
        return master

    def _header(self, model: str, name: str) -> Path:
        return self._folder / f"{model}.{'header' if name == PRIMARY else name + '.header'}"


def keys_file(production: Path) -> Path:
    """Return the file below the folder of a model's production."""
    return production / "keys" / "keys.json"


def _stored(file: Path) -> Digests | None:
    content: Any = read_object(file).get("keys")
    if not isinstance(content, dict) or not content.get(PRIMARY):
        return None
    return Digests(primary=str(content[PRIMARY]), secondary=str(content.get(SECONDARY, "")))


def _probe_digest(master: str, model: str) -> str:
    return digest_of(production_secret(master, model))


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise_fault(error, path)
        return ""
    except ValueError:
        return ""


def _write(path: Path, text: str) -> None:
    """Replace a file at once; only its owner may read it, at every moment."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.parent.chmod(0o700)
        part = path.with_name(f".{path.name}.{os.getpid()}.new")
        part.unlink(missing_ok=True)
        file = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(file, "w", encoding="utf-8") as out:
            out.write(text)
        os.replace(part, path)
    except OSError as error:
        text = f"{path} cannot be written: {error.strerror}. Make its folder writable, or set"
        raise PlatformError("local", "store keys", f"{text} MLOPS_CONFIG.") from error
