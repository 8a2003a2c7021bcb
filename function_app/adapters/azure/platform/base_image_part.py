"""The part of the platform that images are built on: copies of public base images."""

from function_app.adapters.azure.images.base_images import BaseImages
from function_app.adapters.azure.images.build_context import BuildContexts
from function_app.adapters.azure.platform.platform_parts import SteadyPart


class BaseImagePart(SteadyPart[list[str]]):
    """The base images of this app's own Dockerfile, imported into the registry."""

    name = "base image"

    def __init__(self, contexts: BuildContexts, bases: BaseImages) -> None:
        self._contexts, self._bases = contexts, bases

    def find(self) -> list[str] | None:
        """Return the digest of each copy, None while one is missing."""
        copies = [self._bases.find(image) for image in self._contexts.own_bases()]
        digests = [digest for digest in copies if digest]
        return digests if len(digests) == len(copies) else None

    def describe(self) -> str:
        names = ", ".join(image.address for image in self._contexts.own_bases())
        return f"copy of {names} in {self._bases.server}"

    def make(self, resource: list[str] | None) -> None:
        for image in self._contexts.own_bases():
            self._bases.ensure(image)

    def is_ours(self, resource: list[str]) -> bool:
        return True  # the names of copies are this app's

    def delete(self, resource: list[str]) -> None:
        for image in self._contexts.own_bases():
            self._bases.remove(image)
