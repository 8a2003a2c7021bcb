"""Images on this machine: written in Python; the same content on the same base has one digest."""

import io
import json
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from function_app.adapters.archives import pack
from function_app.adapters.local.bundles import LocalBundles
from function_app.adapters.local.images.oci_layout import CONFIG, LAYER, MANIFEST, OciLayout
from function_app.adapters.local.reach.containers import Containers
from function_app.adapters.local.reach.files import (
    locked,
    read_list,
    read_object,
    sha256,
    write_json,
)
from function_app.adapters.local.reach.private import extract
from function_app.adapters.local.registry import SCHEMA, evaluation_of
from function_app.addresses import below
from function_app.domain.project import ModelProject, project_of
from function_app.domain.release.serving import (
    TRUSTED_TYPES,
    Build,
    Image,
    check_servable,
    check_types,
    differs_from_registered,
)
from function_app.domain.text.identifiers import IMAGE_DIGEST
from function_app.domain.training import ModelVersion
from function_app.errors import PlatformError

COMMAND = ["python", "-m", "scoring", "--model", "model", "--host", "0.0.0.0", "--port", "8080"]
OWN = "scoring"
BASE = "org.opencontainers.image.base.digest"
NO_BASE: dict[str, Any] = {"config": {}, "layers": [], "id": None}


class LocalImages:
    """Packs the scoring code and one model version into an image."""

    def __init__(
        self,
        state: Path,
        root: Path,
        projects: Mapping[str, ModelProject],
        bundles: LocalBundles,
        containers: Containers | None = None,
    ) -> None:
        self._bundles = bundles
        self._layout, self._unpacked = OciLayout(state / "images"), state / "unpacked"
        self._root, self._projects, self._containers = root, projects, containers

    def build(self, version: ModelVersion) -> Build:
        project = project_of(self._projects, version.model)
        base = self._base()
        code = self._bundles.unpack(version.code.version) if version.code else self._root
        scoring = code / project.scoring
        if not scoring.is_dir():
            scoring = self._root / OWN  # the app's own service serves the model
        packed = self._pack(scoring, version)
        layers = [*base["layers"], self._layout.add(packed)]
        own = {"Cmd": COMMAND, "WorkingDir": "/app", "ExposedPorts": {"8080/tcp": {}}}
        config = {
            "architecture": "amd64",
            "os": "linux",
            "config": {**base["config"], **own},
            "rootfs": {"type": "layers", "diff_ids": [layer["digest"] for layer in layers]},
        }
        annotations = {
            "org.opencontainers.image.title": version.model,
            "org.opencontainers.image.version": version.version,
        }
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": {"mediaType": CONFIG, **self._layout.add_json(config)},
            "layers": [{"mediaType": LAYER, **layer} for layer in layers],
            "annotations": annotations | ({BASE: f"sha256:{base['id']}"} if base["id"] else {}),
        }
        described = self._layout.add_json(manifest)
        self._layout.tag(f"{version.model}:{version.version}", described)
        return Build(image=self.at(version.model, version.version, str(described["digest"])))

    def at(self, model: str, version: str, digest: str) -> Image:
        uri = f"{self._layout.folder}@{digest}"
        return Image(model=model, version=version, digest=digest, uri=uri)

    def find(self, model: str, version: str) -> str | None:
        return self._layout.tagged(f"{model}:{version}")

    def unpack(self, image: Image) -> Path:
        """Return the folder with the service and its model; each blob was checked by its digest.

        A folder in which a person deleted or changed files is unpacked again.
        """
        digest = IMAGE_DIGEST.check(image.digest, "image.digest")
        folder = below(self._unpacked, digest.removeprefix("sha256:"))
        if _is_whole(folder):
            return folder / "app"
        own = json.loads(self._layout.read(image.digest))["layers"][-1]
        content = self._layout.read(own["digest"])
        with locked(self._unpacked / "lock"), tarfile.open(fileobj=io.BytesIO(content)) as archive:
            extract(archive, folder)
            names = [member.name for member in archive.getmembers() if member.isfile()]
            write_json(folder / "whole", {n: sha256((folder / n).read_bytes()) for n in names})
        return folder / "app"

    def has_base(self, image: Image) -> bool:
        """Return whether the image brings its own interpreter, so that an engine can run it."""
        return BASE in json.loads(self._layout.read(image.digest))["annotations"]

    def extract(self, image: Image) -> dict[str, bytes | Path]:
        """Return the files of an OCI layout with this image alone."""
        return self._layout.extract(image.digest, f"localhost/{image.model}:{image.version}")

    def _base(self) -> dict[str, Any]:
        """Return config and layers of the engine's base image, taken over once per image id."""
        base_id = self._containers.base_id() if self._containers else None
        if self._containers is None or base_id is None:
            return NO_BASE
        record = self._layout.folder / "bases" / f"{base_id}.json"
        with locked(self._layout.folder / "bases.lock"):
            stored = read_object(record) or None
            if stored is None:
                with tempfile.TemporaryDirectory(dir=self._layout.folder) as folder:
                    archive = Path(folder) / "base.tar"
                    self._containers.save_base(archive)
                    stored = {**self._adopt(archive), "id": base_id}
                write_json(record, stored)
        base: dict[str, Any] = stored
        return base

    def _adopt(self, path: Path) -> dict[str, Any]:
        with tarfile.open(path) as archive:

            def read(digest: str) -> Any:
                member = archive.extractfile(f"blobs/sha256/{digest.removeprefix('sha256:')}")
                assert member is not None
                return member

            index = archive.extractfile("index.json")
            assert index is not None
            manifest = json.load(read(json.load(index)["manifests"][0]["digest"]))
            config = json.load(read(manifest["config"]["digest"])).get("config", {})
            layers = [
                self._layout.add_stream(
                    read(layer["digest"]), compressed=layer["mediaType"].endswith("gzip")
                )
                for layer in manifest["layers"]
            ]
        return {"config": config, "layers": layers}

    def _pack(self, scoring: Path, version: ModelVersion) -> bytes:
        code = {
            f"app/scoring/{path.relative_to(scoring).as_posix()}": path.read_bytes()
            for path in scoring.rglob("*")
            if path.suffix in (".py", ".txt") and path.is_file()
        }
        folder = Path(version.uri)
        # Read once, so that the image has the very bytes that were compared.
        model = {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in folder.rglob("*")
            if path.is_file()
        }
        try:
            schema = (evaluation_of(version) / SCHEMA).read_bytes()
        except OSError as error:
            text = (
                f"{evaluation_of(version) / SCHEMA} cannot be read. Train again. {error.strerror}."
            )
            raise PlatformError("local", "build the image", text) from error
        digests = {name: sha256(content) for name, content in model.items()}
        if changed := differs_from_registered(version, digests, sha256(schema)):
            text = f"{folder}: {changed} has changed since it was registered. Train again."
            raise PlatformError("local", "build the image", text)
        types = read_list(evaluation_of(version) / TRUSTED_TYPES)
        check_types(version, types, self._projects[version.model].model.trusted_types)
        if scoring == self._root / OWN:
            check_servable(version, model)
        # The model's own file of this name takes precedence, because it was judged with the model.
        files = {**code, f"app/model/{SCHEMA}": schema}
        # The types come from the platform's list: a model folder could claim any types for itself.
        files[f"app/scoring/{TRUSTED_TYPES}"] = (json.dumps(sorted(types)) + "\n").encode()
        files |= {f"app/model/{name}": content for name, content in model.items()}
        return pack(files)


def _is_whole(folder: Path) -> bool:
    """Return whether an unpacked image has all of its files, unchanged."""
    digests = read_object(folder / "whole")
    try:
        files = {name: sha256((folder / name).read_bytes()) for name in digests}
    except OSError:
        return False
    return bool(digests) and files == digests
