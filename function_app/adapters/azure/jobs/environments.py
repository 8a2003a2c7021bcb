"""Environments of runs: named by the digest of the installed packages, created once."""

import hashlib
import json
from typing import Any

from function_app.adapters.azure.reach.connection import translate
from function_app.adapters.azure.reach.workspace import Workspace
from function_app.errors import NotFoundError
from function_app.late_imports import importing

NAME = "mlops-training"
PYTHON = "python=3.11"
# Packages of checks beside the packages of the checked code.
CHECK_TOOLS = (
    "coverage==7.17.4",
    "defusedxml==0.7.1",
    "pytest==9.2.0",
    "pytest-cov==7.1.0",
    "ruff==0.17.6",
)


class Environments:
    """Finds or registers the environment of a list of pinned packages."""

    def __init__(self, workspace: Workspace, image: str) -> None:
        self._workspace, self._image = workspace, image
        self._known: set[str] = set()

    def ensure(self, requirements: str, *more: str) -> str:
        """Return the environment with these packages, as a run names it."""
        packages = (*read_packages(requirements), *more)
        conda = describe(packages)
        version = digest_of(self._image, conda)
        if version not in self._known:
            if not self.exists(version):
                self._create(version, conda)
            self._known.add(version)
        return f"azureml:{NAME}:{version}"

    def exists(self, version: str) -> bool:
        """Return whether this version is registered."""
        try:
            with translate("read an environment", f"{NAME}:{version}"):
                self._workspace.client.environments.get(NAME, version=version)
        except NotFoundError:
            return False
        return True

    def version_of(self, requirements: str) -> str:
        """Return the version that these packages have, registered or not."""
        return digest_of(self._image, describe(read_packages(requirements)))

    def _create(self, version: str, conda: dict[str, Any]) -> None:
        with importing():
            from azure.ai.ml.entities import Environment

        environment = Environment(
            name=NAME,
            version=version,
            image=self._image,
            conda_file=conda,
            description="Pinned packages; the version is their digest.",
            tags={"mlops": "environment"},
        )
        with translate("register an environment", f"{NAME}:{version}"):
            self._workspace.client.environments.create_or_update(environment)


def read_packages(requirements: str) -> tuple[str, ...]:
    """Return the packages of a requirements file, without comments, in their order."""
    lines = (line.split(" #")[0].strip() for line in requirements.splitlines())
    return tuple(line for line in lines if line and not line.startswith("#"))


def describe(packages: tuple[str, ...]) -> dict[str, Any]:
    """Return the conda environment of these packages."""
    return {
        "name": "training",
        "channels": ["conda-forge"],
        "dependencies": [PYTHON, "pip", {"pip": list(packages)}],
    }


def digest_of(image: str, conda: dict[str, Any]) -> str:
    """Return the version of an environment, which is the digest of its content."""
    content = json.dumps([image, conda], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:32]
