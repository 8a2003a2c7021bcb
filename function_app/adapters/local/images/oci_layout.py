"""A folder in the OCI image layout: blobs named by their digest, and an index of tags.

Source: OCI image-spec 1.1, image layout and manifest.
"""

import hashlib
import json
import os
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

from function_app.adapters.local.reach.files import (
    locked,
    read_object,
    sha256,
    write_json,
    write_whole,
)
from function_app.addresses import below
from function_app.domain.text.identifiers import SHA256
from function_app.errors import NotFoundError, PlatformError

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
NAME = "org.opencontainers.image.ref.name"
HEADER = {"imageLayoutVersion": "1.0.0"}
CHUNK = 1024 * 1024


class OciLayout:
    """Blobs are written whole and once; reading checks them against their digest."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, content: bytes) -> dict[str, Any]:
        """Store a blob, also instead of a changed one; return its descriptor without media type."""
        digest = sha256(content)
        try:
            whole = self.path(digest).read_bytes() == content
        except OSError:
            whole = False
        if not whole:
            write_whole(self.path(digest), content)
        return {"digest": f"sha256:{digest}", "size": len(content)}

    def add_json(self, content: object) -> dict[str, Any]:
        """Store canonical JSON: the same content is the same blob."""
        return self.add(json.dumps(content, sort_keys=True, separators=(",", ":")).encode())

    def add_stream(self, stream: IO[bytes], *, compressed: bool) -> dict[str, Any]:
        """Store a large blob without its gzip, because a compressor may change its bytes."""
        digest, size = hashlib.sha256(), 0
        part = self.folder / f"part-{os.getpid()}"
        part.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as out:
            for chunk in _inflate(stream) if compressed else iter(lambda: stream.read(CHUNK), b""):
                digest.update(chunk)
                size += len(chunk)
                out.write(chunk)
        self.path(digest.hexdigest()).parent.mkdir(parents=True, exist_ok=True)
        os.replace(part, self.path(digest.hexdigest()))
        return {"digest": f"sha256:{digest.hexdigest()}", "size": size}

    def read(self, digest: str) -> bytes:
        """Return a blob; NotFoundError without it, PlatformError when its digest does not match."""
        try:
            content = self.path(digest).read_bytes()
        except FileNotFoundError as error:
            raise NotFoundError(f"There is no image {digest}. Build it again.") from error
        if sha256(content) != digest.removeprefix("sha256:"):
            path = self.path(digest)
            raise PlatformError("local", "read the image", f"{path} was changed. Build it again.")
        return content

    def tag(self, name: str, described: dict[str, Any]) -> None:
        """Name a manifest in the index; a name moves from its former manifest."""
        with locked(self.folder / "lock"):
            write_json(self.folder / "oci-layout", HEADER)
            others = [m for m in self._entries() if (m.get("annotations") or {}).get(NAME) != name]
            entry = {"mediaType": MANIFEST, **described, "annotations": {NAME: name}}
            write_json(
                self.folder / "index.json", {"schemaVersion": 2, "manifests": [*others, entry]}
            )

    def tagged(self, name: str) -> str | None:
        """Return the digest of the manifest with this name; None when the index has none."""
        named = (m for m in self._entries() if (m.get("annotations") or {}).get(NAME) == name)
        return next((str(m.get("digest")) for m in named), None)

    def _entries(self) -> list[dict[str, Any]]:
        listed = read_object(self.folder / "index.json").get("manifests")
        # Other tools write entries into a layout, too; such entries need no name of this app.
        return [m for m in listed if isinstance(m, dict)] if isinstance(listed, list) else []

    def extract(self, digest: str, name: str) -> dict[str, bytes | Path]:
        """Return the files of a layout that holds this one image under this name."""
        manifest = json.loads(self.read(digest))
        described = {"mediaType": MANIFEST, "digest": digest, "size": len(self.read(digest))}
        index = {"schemaVersion": 2, "manifests": [{**described, "annotations": {NAME: name}}]}
        parts = [digest, manifest["config"]["digest"], *(la["digest"] for la in manifest["layers"])]
        blobs: dict[str, bytes | Path] = {
            f"blobs/sha256/{part.removeprefix('sha256:')}": self.path(part) for part in parts
        }
        head = {"oci-layout": json.dumps(HEADER).encode(), "index.json": json.dumps(index).encode()}
        return {**head, **blobs}

    def path(self, digest: str) -> Path:
        """Return the path of a blob; ContractError when the digest is malformed."""
        name = SHA256.check(digest.removeprefix("sha256:"), "digest")
        return below(self.folder, "blobs", "sha256", name)


def _inflate(stream: IO[bytes]) -> Iterable[bytes]:
    inflater = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    while chunk := stream.read(CHUNK):
        yield inflater.decompress(chunk)
    yield inflater.flush()
