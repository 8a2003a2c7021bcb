"""The base images that a Dockerfile names, and their copies in this app's own registry."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

DOCKER_HUB = "docker.io"
_FROM = re.compile(
    r"^(?P<head>\s*FROM\s+(?:--platform=\S+\s+)?)(?P<image>\S+)(?P<tail>(?:\s+AS\s+(?P<stage>\S+))?\s*)$",
    re.IGNORECASE | re.MULTILINE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseImage:
    """A public image: its registry's host, its repository, and a tag or a sha256 digest."""

    host: str
    repository: str
    reference: str

    @property
    def is_digest(self) -> bool:
        """Return whether the reference is a digest."""
        return self.reference.startswith("sha256:")

    @property
    def source(self) -> str:
        """Return the image as its registry names it, without the host."""
        return f"{self.repository}{'@' if self.is_digest else ':'}{self.reference}"

    @property
    def address(self) -> str:
        """Return the image with its host."""
        return f"{self.host}/{self.source}"

    @property
    def copy(self) -> str:
        """Return the repository of the copy in this app's registry."""
        return f"base/{self.host}/{self.repository}".replace(":", "-").lower()

    @property
    def copy_tag(self) -> str:
        """Return the tag of the copy; an image that is named by digest has a tag of it."""
        return self.reference.replace(":", "-")[:128]


def parse_image(text: str) -> BaseImage:
    """Return the image that a reference names; without a host it is one of Docker Hub."""
    name, _, digest = text.partition("@")
    host, slash, rest = name.partition("/")
    if not slash or not ("." in host or ":" in host or host == "localhost"):
        host, rest = DOCKER_HUB, name
    repository, colon, tag = rest.rpartition(":")
    if not colon:
        repository, tag = rest, "latest"
    if host == DOCKER_HUB and "/" not in repository:
        repository = f"library/{repository}"
    return BaseImage(host=host, repository=repository, reference=digest or tag)


def base_images(dockerfile: str, own_server: str) -> tuple[BaseImage, ...]:
    """Return the images that a build would pull from elsewhere, each once, in their order.

    Left out are stages of the Dockerfile, `scratch`, images of this app's own registry, and names
    that contain a build argument, which only the build knows.
    """
    return tuple(dict.fromkeys(image for _, image in _elsewhere(dockerfile, own_server)))


def pin(dockerfile: str, own_server: str, digests: Mapping[BaseImage, str]) -> str:
    """Return the Dockerfile with each of these images replaced by its copy, by digest."""
    named = {text: image for text, image in _elsewhere(dockerfile, own_server) if image in digests}

    def replace(match: re.Match[str]) -> str:
        image = named.get(match["image"])
        if image is None:
            return match[0]
        return f"{match['head']}{own_server}/{image.copy}@{digests[image]}{match['tail']}"

    return _FROM.sub(replace, dockerfile)


def _elsewhere(dockerfile: str, own_server: str) -> list[tuple[str, BaseImage]]:
    images, stages = [], {"scratch"}
    for line in _FROM.finditer(dockerfile):
        text = line["image"]
        is_own = text.startswith(f"{own_server}/")
        if text.lower() not in stages and "$" not in text and not is_own:
            images.append((text, parse_image(text)))
        if line["stage"]:
            stages.add(line["stage"].lower())
    return images
