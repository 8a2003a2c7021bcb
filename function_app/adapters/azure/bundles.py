"""Bundles of code in Blob storage: archives named by digest, and the current one of each model."""

from pathlib import Path

from function_app.adapters.archives import (
    pack,
    read_files,
    read_folder,
    read_module,
    sha256,
)
from function_app.adapters.azure.reach.blobs import Blobs
from function_app.domain.change.change import Bundle, CodeVersion
from function_app.domain.codec import dump, load
from function_app.errors import NotFoundError, PlatformError


class AzureBundles:
    """Stores each bundle once; a bundle that is read was checked against its digest."""

    def __init__(self, blobs: Blobs, root: Path) -> None:
        self._blobs, self._root = blobs, root

    def store(self, archive: bytes, commit: str) -> Bundle:
        """Store a tar archive as the bundle of its digest."""
        digest = sha256(archive)
        name = _archive(digest)
        self._blobs.create(name, archive)
        return Bundle(digest=digest, uri=self._blobs.url(name), commit=commit)

    def store_own(self, *folders: str) -> Bundle:
        """Store these folders of this app's own code as a bundle."""
        return self.store(self.pack_own(*folders), "")

    def find_own(self, *folders: str) -> Bundle:
        """Return the bundle that `store_own` would store; nothing is stored."""
        digest = sha256(self.pack_own(*folders))
        return Bundle(digest=digest, uri=self.url(digest), commit="")

    def pack_own(self, *folders: str) -> bytes:
        """Return these folders of this app's own code as an archive."""
        files: dict[str, bytes] = {}
        for folder in folders:
            files |= read_module(self._root, folder)
        if not files:
            raise NotFoundError(
                f"This app has no module or folder {', '.join(folders)}. Deploy it again."
            )
        return pack(files)

    def point(self, version: CodeVersion) -> None:
        """Make this the code that new runs of the model take."""
        content = dump(version)
        self._blobs.write_json(_pointer(version.model, version.version), content)
        # The pointer is written last, so that a reader of the pointer always finds the version.
        self._blobs.write_json(_pointer(version.model, "current"), content)

    def known(self, model: str, version: str) -> CodeVersion | None:
        """Return the version of this name, None when it was never published."""
        content = self._blobs.read_json(_pointer(model, version))
        return None if content is None else load(CodeVersion, content)

    def find(self, model: str, version: str) -> CodeVersion | None:
        """Return a published version, without a name the last one."""
        content = self._blobs.read_json(_pointer(model, version or "current"))
        if content is None and version:
            raise NotFoundError(f"{model} has no published code {version}. Push the commit again.")
        return None if content is None else load(CodeVersion, content)

    def url(self, digest: str) -> str:
        """Return the URL of the archive of a bundle."""
        return self._blobs.url(_archive(digest))

    def read(self, digest: str) -> bytes:
        """Return the archive of a bundle."""
        content = self._blobs.read(_archive(digest))
        if content is None:
            raise NotFoundError(f"There is no bundle {digest}. Push the commit again.")
        if sha256(content) != digest:
            text = f"{_archive(digest)} was changed. Delete it and push the commit again."
            raise PlatformError("azure", "read the code", text)
        return content

    def files(self, code: CodeVersion | None, folder: str) -> dict[str, bytes]:
        """Return the files of one folder of the code; without a version, of this app's own."""
        if code is None:
            files = read_folder(self._root, folder)
        else:
            files = read_files(self.read(code.version), folder)
        if not files:
            where = f"code {code.version[:12]}" if code else "this app"
            raise NotFoundError(f"There is no folder {folder} in {where}. See mlops.toml.")
        return files


def _archive(digest: str) -> str:
    return f"bundles/{digest}.tar"


def _pointer(model: str, version: str) -> str:
    return f"code/{model}/{version}.json"
