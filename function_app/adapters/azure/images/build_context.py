"""The files an image is built of: the scoring code of a version, its model, and the Dockerfile."""

import hashlib
import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from function_app.adapters.archives import sha256, write_compressed
from function_app.adapters.azure.bundles import AzureBundles
from function_app.adapters.azure.images.base_images import BaseImages
from function_app.adapters.azure.jobs import run_specs as specs
from function_app.adapters.azure.jobs.run_containers import RunContainers
from function_app.adapters.azure.reach.blobs import Blobs
from function_app.domain.events.arrivals import FileLimit
from function_app.domain.release.base_image import BaseImage, base_images, pin
from function_app.domain.release.serving import (
    TRUSTED_TYPES,
    check_servable,
    check_types,
    differs_from_registered,
    read_types,
)
from function_app.domain.training import ModelVersion
from function_app.errors import NotFoundError, PlatformError
from function_app.ports.rows import Rows
from function_app.records.submissions import Submissions

DOCKERFILE = "Dockerfile"
OWN = "scoring"
FILE_LIMIT = FileLimit(most=8 << 30)  # of a file of a model, as in platform_jobs


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildContext:
    """A file with a gzipped archive, its digest, and the path of the Dockerfile in it."""

    content: IO[bytes]
    digest: str
    dockerfile: str


class BuildContexts:
    """Packs the files of builds; the same version gives the same bytes."""

    def __init__(self, bundles: AzureBundles, blobs: Blobs, bases: BaseImages, rows: Rows) -> None:
        self._bundles, self._containers, self._bases = bundles, RunContainers(blobs), bases
        self._submissions = Submissions(rows)

    def missing_bases(self, version: ModelVersion, scoring: str) -> tuple[str, ...]:
        """Return the base images whose import into the registry is under way."""
        dockerfile = self._scoring(version, scoring)[0][DOCKERFILE].decode()
        images = base_images(dockerfile, self._bases.server)
        return tuple(image.address for image in images if self._bases.ensure(image) is None)

    def own_bases(self) -> tuple[BaseImage, ...]:
        """Return the base images of this app's own Dockerfile."""
        return base_images(self._own_dockerfile().decode(), self._bases.server)

    @contextmanager
    def pack(
        self, version: ModelVersion, scoring: str, trusted_types: Sequence[str] = ()
    ) -> Iterator[BuildContext]:
        """Yield the files of which the image of a model version is built.

        The files of the model pass through the disk piece by piece, because a model may be larger
        than the memory of an instance.

        ContractError when the model holds types beyond scikit-learn's and `trusted_types`.
        """
        files, own = self._scoring(version, scoring)
        with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as out:
            model, schema = self._judged(version, Path(folder))
            packed = self._files(version, files, own, model, schema, trusted_types)
            write_compressed(packed, out)
            out.seek(0)
            digest = hashlib.file_digest(out, "sha256").hexdigest()
            out.seek(0)
            yield BuildContext(content=out, digest=digest, dockerfile=DOCKERFILE)

    def _files(
        self,
        version: ModelVersion,
        files: dict[str, bytes],
        own: bool,
        model: dict[str, Path],
        schema: bytes,
        trusted_types: Sequence[str],
    ) -> dict[str, bytes | Path]:
        """Return the files of the archive by their names: of the service, then of the model."""
        if own:
            check_servable(version, model)
        dockerfile = self._pinned(files[DOCKERFILE].decode())
        files[DOCKERFILE] = dockerfile.rstrip().encode() + b"\n" + _labels(version)
        # The model's own file of this name takes precedence, because it was judged with the model.
        files[f"model/{specs.SCHEMA}"] = schema
        # The types come from the platform's list: a model folder could claim any types for itself.
        evaluation = version.evaluation_id
        types = read_types(self._containers.read(evaluation, specs.EVALUATION, TRUSTED_TYPES))
        registered = self._submissions.types(version.model, version.version)
        check_types(version, types, trusted_types, registered)
        files[f"scoring/{TRUSTED_TYPES}"] = (json.dumps(sorted(types)) + "\n").encode()
        return files | {f"model/{name}": path for name, path in model.items()}

    def _scoring(self, version: ModelVersion, scoring: str) -> tuple[dict[str, bytes], bool]:
        """Return the scoring code with a Dockerfile, and whether it is this app's own service.

        The code is the version's, or else this app's.
        """
        own = scoring == OWN and version.code is None
        try:
            code = self._bundles.files(version.code, scoring)
        except NotFoundError:
            scoring, own = OWN, True  # the app's own service serves the model
            code = self._bundles.files(None, scoring)
        files = {f"scoring/{name.removeprefix(f'{scoring}/')}": text for name, text in code.items()}
        dockerfile = files.pop(f"scoring/{DOCKERFILE}", None) or self._own_dockerfile()
        return {**files, DOCKERFILE: dockerfile}, own

    def _pinned(self, dockerfile: str) -> str:
        """Return the Dockerfile with each base image as its copy in the registry, by digest."""
        images = base_images(dockerfile, self._bases.server)
        digests = {image: digest for image in images if (digest := self._bases.find(image))}
        missing = [image.address for image in images if image not in digests]
        if missing:
            text = f"{', '.join(missing)} has no copy in {self._bases.server}. Release again."
            raise PlatformError("azure", "build the image", text)
        return pin(dockerfile, self._bases.server, digests)

    def _own_dockerfile(self) -> bytes:
        dockerfile = self._bundles.files(None, OWN).get(f"{OWN}/{DOCKERFILE}")
        if dockerfile is None:
            raise NotFoundError(f"This app has no {OWN}/{DOCKERFILE}. Deploy it again.")
        return dockerfile

    def _judged(self, version: ModelVersion, into: Path) -> tuple[dict[str, Path], bytes]:
        """Return the files of the model folder and the schema if their digests match the registry.

        The files are copies in `into`. The compared bytes are packed, so that a later change of the
        folder has no effect.
        """
        run_id = version.run_id
        names = self._containers.files(run_id, specs.TRAINING)
        # Numbers, because a blob's name may lead out of a folder.
        files = {name: into / str(number) for number, name in enumerate(names)}
        digests = {name: self._copied(run_id, name, path) for name, path in files.items()}
        schema = self._written(version.evaluation_id, specs.EVALUATION, specs.SCHEMA)
        if changed := differs_from_registered(version, digests, sha256(schema)):
            folder = specs.output_folder(run_id, specs.TRAINING)
            text = f"{changed} of {folder}/ differs from the registered one. Train again."
            raise PlatformError("azure", "build the image", text)
        return files, schema

    def _copied(self, run_id: str, file: str, path: Path) -> str:
        """Copy a file of the model folder to a path; return its SHA-256 as hex digits."""
        with path.open("wb") as out:
            digest = self._containers.copy(run_id, specs.TRAINING, file, FILE_LIMIT, out)
        if digest is None:
            raise _missing(run_id, specs.TRAINING, file)
        return digest

    def _written(self, run_id: str, kind: str, file: str) -> bytes:
        content = self._containers.read(run_id, kind, file)
        if content is None:
            raise _missing(run_id, kind, file)
        return content


def _missing(run_id: str, kind: str, file: str) -> PlatformError:
    text = f"{specs.output_folder(run_id, kind)}/{file} is missing. Train again."
    return PlatformError("azure", "build the image", text)


def _labels(version: ModelVersion) -> bytes:
    labels = {
        "org.opencontainers.image.title": version.model,
        "org.opencontainers.image.version": version.version,
        "org.opencontainers.image.revision": version.code.commit if version.code else "",
        "mlops.model.digest": f"sha256:{version.digest}",
        "mlops.run": version.run_id,
    }
    lines = [f'LABEL {name}="{text}"' for name, text in labels.items() if text]
    return ("\n".join(lines) + "\n").encode()
