"""Copies of public base images in the app's own registry, imported once and read back by digest.

A build by ACR Tasks that pulls from Docker Hub shares its anonymous rate limit with strangers, and
a tag there may be another image tomorrow. The registry's import copies the image; a build then
names the copy by the digest that the registry answers.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from function_app.adapters.azure.images.manifests_api import Manifests
from function_app.adapters.azure.reach.blobs import Blobs
from function_app.adapters.azure.reach.connection import Connection
from function_app.domain.release.base_image import BaseImage
from function_app.domain.text.redaction import redact
from function_app.errors import NotFoundError, PlatformError

API = "2025-11-01"
# An import whose operation says nothing is asked for again after this time.
GRACE = timedelta(minutes=10)


class BaseImages:
    """Starts imports of base images and polls them; no method waits for the end of an import."""

    def __init__(
        self,
        connection: Connection,
        manifests: Manifests,
        blobs: Blobs,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._connection, self._manifests, self._blobs, self._now = (
            connection,
            manifests,
            blobs,
            now,
        )
        s = connection.settings
        self._registry = (
            f"/subscriptions/{s.subscription_id}/resourceGroups/{s.resource_group}"
            f"/providers/Microsoft.ContainerRegistry/registries/{s.registry}"
        )

    @property
    def server(self) -> str:
        """Return the login server of the registry that holds the copies."""
        return self._manifests.server

    def find(self, image: BaseImage) -> str | None:
        """Return the digest of the copy, None when there is no copy.

        An image that is named by digest is read by its digest, because a tag of the copy may have
        been moved.
        """
        reference = image.reference if image.is_digest else image.copy_tag
        return self._manifests.digest(image.copy, reference)

    def ensure(self, image: BaseImage) -> str | None:
        """Return the digest of the copy; None while the import is under way.

        Raises PlatformError when the import failed; the next call asks for it again.
        """
        digest = self.find(image)
        if digest is not None:
            return digest
        name, record = _record(image), self._blobs.read_json(_record(image)) or {}
        if record.get("asked_at") and self._is_under_way(image, record):
            return None
        now = self._now().isoformat()
        # The record is written first, so that a concurrent process does not import as well.
        self._blobs.write_json(name, {"asked_at": now})
        operation = self._begin(image)
        self._blobs.write_json(name, {"asked_at": now, "operation": operation})
        return self.find(image)

    def remove(self, image: BaseImage) -> None:
        """Delete the copy, for which the app's identity needs AcrDelete."""
        digest = self.find(image)
        if digest is not None:
            self._manifests.delete(image.copy, digest)
        self._forget(image)

    def _forget(self, image: BaseImage) -> None:
        self._blobs.write_json(_record(image), {})

    def _begin(self, image: BaseImage) -> str:
        body = {
            "source": {"registryUri": image.host, "sourceImage": image.source},
            "targetTags": [f"{image.copy}:{image.copy_tag}"],
            "mode": "Force",
        }
        return self._connection.begin(
            "POST", f"{self._registry}/importImage", api_version=API, body=body
        )

    def _is_under_way(self, image: BaseImage, record: dict[str, Any]) -> bool:
        """Return whether to wait; raise PlatformError when the import has failed."""
        is_young = self._now() - datetime.fromisoformat(record["asked_at"]) < GRACE
        if not record.get("operation"):
            return is_young
        try:
            status = self._connection.operation(record["operation"], api_version=API)
        except (NotFoundError, PlatformError) as error:
            # The service reports a failed import by the status of this answer, too.
            raise self._failed(image, str(error)) from error
        if status.state in ("failed", "canceled"):
            raise self._failed(image, f"{status.state}. {status.message}")
        return is_young

    def _failed(self, image: BaseImage, why: str) -> PlatformError:
        self._forget(image)
        text = (
            f"{image.address} could not be imported: {why} Try again, or import it yourself:"
            f" az acr import --name {self._connection.settings.registry} --source {image.address}"
            f" --image {image.copy}:{image.copy_tag}"
        )
        return PlatformError("azure", "import the base image", redact(text))


def _record(image: BaseImage) -> str:
    return f"images/{image.copy}/{image.copy_tag}.json"
