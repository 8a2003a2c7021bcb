"""The part of the platform that images are built on: copies of public base images."""

from typing import Any

from function_app.adapters.azure.images.base_images import BaseImages
from function_app.adapters.azure.images.build_context import BuildContexts


class BaseImagePart:
    """The base images of this app's own Dockerfile, imported into the registry."""

    name = "base image"

    def __init__(self, contexts: BuildContexts, bases: BaseImages) -> None:
        self._contexts, self._bases = contexts, bases

    def find(self) -> Any:
        """Return the digest of each copy, None while one is missing."""
        digests = [self._bases.find(image) for image in self._contexts.own_bases()]
        return digests if all(digests) else None

    def differences(self, resource: Any) -> list[str]:
        return []

    def describe(self) -> str:
        names = ", ".join(image.address for image in self._contexts.own_bases())
        return f"copy of {names} in {self._bases.server}"

    def make(self, resource: Any) -> None:
        for image in self._contexts.own_bases():
            self._bases.ensure(image)

    def state_of(self, resource: Any) -> str:
        return "Succeeded"

    def is_ours(self, resource: Any) -> bool:
        return True  # the names of copies are this app's

    def delete(self, resource: Any) -> None:
        for image in self._contexts.own_bases():
            self._bases.remove(image)
