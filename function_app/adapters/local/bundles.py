"""Bundles of code on this machine: archives named by digest, and the current one of each model."""

import tarfile
from pathlib import Path

from function_app.adapters.local.reach.files import (
    locked,
    read_json,
    sha256,
    write_json,
    write_whole,
)
from function_app.adapters.local.reach.private import extract
from function_app.addresses import below
from function_app.domain.change.change import Bundle, CodeVersion, published
from function_app.domain.codec import dump, load
from function_app.domain.text.identifiers import CODE_VERSION
from function_app.errors import NotFoundError, PlatformError

CURRENT = "current"


class LocalBundles:
    """Stores each bundle once; a bundle that is unpacked was checked against its digest."""

    def __init__(self, state: Path) -> None:
        self._bundles, self._unpacked = state / "bundles", state / "code"
        self._published = state / "published"

    def store(self, archive: bytes, commit: str) -> Bundle:
        """Store a tar archive as the bundle of its digest."""
        digest = sha256(archive)
        path = self._bundles / f"{digest}.tar"
        if not path.exists():
            write_whole(path, archive)
        return Bundle(digest=digest, uri=str(path), commit=commit)

    def publish(self, model: str, bundle: Bundle) -> CodeVersion:
        """Make this the code that new runs of the model take."""
        version = published(model, bundle, self._known(model, bundle.digest))
        write_json(self._record(model, version.version), dump(version))
        write_json(self._record(model, CURRENT), dump(version))
        return version

    def find(self, model: str, version: str) -> CodeVersion | None:
        """Return a published version, without a name the last one."""
        if version:
            CODE_VERSION.check(version, "code version")
        content = read_json(self._record(model, version or CURRENT))
        if content is None and version:
            raise NotFoundError(f"{model} has no published code {version}. Push the commit again.")
        return None if content is None else load(CodeVersion, content)

    def _known(self, model: str, version: str) -> CodeVersion | None:
        content = read_json(self._record(model, version))
        return None if content is None else load(CodeVersion, content)

    def unpack(self, digest: str) -> Path:
        """Return the folder with the bundle's files."""
        folder = below(self._unpacked, CODE_VERSION.check(digest, "code version"))
        if (folder / ".whole").exists():
            return folder
        archive = self._bundles / f"{digest}.tar"
        try:
            content = archive.read_bytes()
        except FileNotFoundError as error:
            raise NotFoundError(f"There is no bundle {digest}. Push the commit again.") from error
        if sha256(content) != digest:
            raise PlatformError("local", "unpack the code", f"{archive} was changed. Delete it.")
        with locked(self._unpacked / "lock"), tarfile.open(archive) as files:
            extract(files, folder)
            write_json(folder / ".whole", True)
        return folder

    def _record(self, model: str, version: str) -> Path:
        return below(self._published, model, f"{version}.json")
