"""Images on this machine: an OCI layout written in Python; the same content has the same digest.

Source: OCI image-spec 1.1, image layout and manifest.
"""

import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from function_app.adapters.local.files import locked, read_json, sha256, write_json, write_whole
from function_app.domain.project import ModelProject
from function_app.domain.serving import Image
from function_app.domain.training import ModelVersion
from function_app.errors import NotFoundError, PlatformError

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
COMMAND = ["python", "-m", "scoring", "--model", "model", "--host", "0.0.0.0", "--port", "8080"]
MODEL_FILES = ("model.skops", "trusted_types.json", "model_schema.json", "golden.json")


class LocalImages:
    """Packs the scoring code and one model version into an image."""

    def __init__(self, state: Path, root: Path, projects: Mapping[str, ModelProject]) -> None:
        self._layout, self._unpacked = state / "images", state / "unpacked"
        self._root, self._projects = root, projects

    def build(self, version: ModelVersion) -> Image:
        project = self._projects.get(version.model)
        if project is None:
            raise NotFoundError(f"mlops.toml names no model {version.model!r}. Add it.")
        layer = self._add_blob(self._pack(project.scoring, Path(version.uri)))
        config = {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Cmd": COMMAND, "WorkingDir": "/app", "ExposedPorts": {"8080/tcp": {}}},
            "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]},
        }
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": {"mediaType": CONFIG, **self._add_blob(_json(config))},
            "layers": [{"mediaType": LAYER, **layer}],
            "annotations": {
                "org.opencontainers.image.title": version.model,
                "org.opencontainers.image.version": version.version,
            },
        }
        described = self._add_blob(_json(manifest))
        self._tag(f"{version.model}:{version.version}", described)
        digest = str(described["digest"])
        return Image(
            model=version.model,
            version=version.version,
            digest=digest,
            uri=f"{self._layout}@{digest}",
        )

    def unpack(self, image: Image) -> Path:
        """Return the folder with the image's content, each blob checked against its digest."""
        folder = self._unpacked / image.digest.removeprefix("sha256:")
        if (folder / "whole").exists():
            return folder / "app"
        manifest = json.loads(self._blob(image.digest))
        with locked(self._unpacked / "lock"):
            for layer in manifest["layers"]:
                with tarfile.open(fileobj=io.BytesIO(self._blob(layer["digest"]))) as archive:
                    archive.extractall(folder, filter="data")
            write_json(folder / "whole", True)
        return folder / "app"

    def _pack(self, scoring: str, model: Path) -> bytes:
        code = {
            f"app/scoring/{path.name}": path.read_bytes()
            for path in (self._root / scoring).iterdir()
            if path.suffix in (".py", ".txt")
        }
        files = code | {f"app/model/{name}": (model / name).read_bytes() for name in MODEL_FILES}
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
            for name, content in sorted(files.items()):
                entry = tarfile.TarInfo(name)
                entry.size, entry.mode = len(content), 0o644
                archive.addfile(entry, io.BytesIO(content))
        return out.getvalue()

    def _add_blob(self, content: bytes) -> dict[str, Any]:
        digest = sha256(content)
        path = self._layout / "blobs" / "sha256" / digest
        if not path.exists():
            write_whole(path, content)
        return {"digest": f"sha256:{digest}", "size": len(content)}

    def _blob(self, digest: str) -> bytes:
        path = self._layout / "blobs" / "sha256" / digest.removeprefix("sha256:")
        try:
            content = path.read_bytes()
        except FileNotFoundError as error:
            raise NotFoundError(f"There is no image {digest}. Build it again.") from error
        if sha256(content) != digest.removeprefix("sha256:"):
            raise PlatformError("local", "read the image", f"{path} was changed. Build it again.")
        return content

    def _tag(self, name: str, described: dict[str, Any]) -> None:
        label = "org.opencontainers.image.ref.name"
        with locked(self._layout / "lock"):
            write_json(self._layout / "oci-layout", {"imageLayoutVersion": "1.0.0"})
            index = read_json(self._layout / "index.json") or {"manifests": []}
            others = [m for m in index["manifests"] if m["annotations"][label] != name]
            entry = {"mediaType": MANIFEST, **described, "annotations": {label: name}}
            manifests = [*others, entry]
            write_json(self._layout / "index.json", {"schemaVersion": 2, "manifests": manifests})


def _json(content: Any) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()
