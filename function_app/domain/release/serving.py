"""Images, their deployments, and the results of smoke tests."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from function_app.domain.text import identifiers as ids
from function_app.domain.training import ModelVersion, folder_digest
from function_app.errors import ContractError

# The longest life of a deployment in staging: more than the usual wait for an approval.
STAGING_LIFE = timedelta(days=7)


class Environment(StrEnum):
    """The environment of a deployment."""

    STAGING = "staging"
    PRODUCTION = "production"


# The files of a model folder that the service in scoring/ reads, beside model_schema.json.
SERVED_FILES = ("model.skops",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A container image, named by its digest (`sha256:` and 64 hex digits)."""

    model: ids.ModelName
    version: ids.Version
    digest: ids.ImageDigest
    uri: ids.OrEmpty[ids.ImageAddress]

    def is_same(self, other: "Image | None") -> bool:
        """Return whether the other image has the same content, wherever it is stored."""
        return other is not None and other.digest == self.digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """An image that runs; `runtime` is container or process."""

    deployment_id: ids.InstanceId
    environment: Environment
    endpoint: ids.Address
    image: Image
    runtime: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """The state of an image's build: no image means that it is still being built.

    `failure` is the reason that this attempt failed; the next request starts a new attempt.
    """

    image: Image | None = None
    detail: str = ""
    failure: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """The state of a rollout: no deployment means that it is under way.

    A roll-back to nothing is `done` without a deployment. `failure` is the reason that this attempt
    failed; the next request starts a new attempt.
    """

    deployment: Deployment | None = None
    done: bool = True
    detail: str = ""
    failure: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """The desired state of a model's production, and how many of its `replicas` are ready.

    `detail` is why replicas are missing, as far as the platform says it.
    """

    image: Image
    replicas: int
    ready: int
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SmokeReport:
    """The results of requests to a deployment.

    `largest_difference` is the greatest distance of a served prediction from the offline model's
    for the same row, in units of the target; `p95_ms` is in milliseconds.
    `answers_without_key` says that a request without a key was not refused.
    """

    requests: int
    failures: int
    largest_difference: float | None
    p95_ms: float
    served_digest: str
    detail: str = ""
    answers_without_key: bool = False


# An evaluation writes this file: the types of a model that are trusted beyond those of skops.
TRUSTED_TYPES = "trusted_types.json"
# The libraries whose classes a model may hold without being named in mlops.toml.
LIBRARIES = ("sklearn", "numpy", "scipy")


def read_types(content: bytes | None) -> list[str]:
    """Return the list that an evaluation wrote; an empty one when it wrote none."""
    try:
        types = json.loads(content or b"[]")
    except (ValueError, RecursionError):
        return []
    return [str(name) for name in types] if isinstance(types, list) else []


def check_types(
    version: ModelVersion,
    types: Iterable[str],
    added: Iterable[str],
    registered: Iterable[str] | None = None,
) -> None:
    """Raise ContractError with the types of a model that are not trusted here, if there are any.

    The evaluation read the file and checked each class; a list from a run is checked again.
    `registered` are the types that the app stored when it registered the version: with them the
    list must be exactly this one. None where only the platform writes the list.
    """
    known, types = set(added), list(types)
    if registered is not None and sorted(map(str, types)) != sorted(registered):
        raise ContractError(
            f"The list of types of {version.model} {version.version} is not the one that was "
            "registered: trusted_types.json of its evaluation was changed. Train again.",
            code="UNTRUSTED_TYPES",
        )
    foreign = [
        name
        for name in types
        if not isinstance(name, str)
        or (name not in known and name.partition(".")[0] not in LIBRARIES)
    ]
    if foreign:
        names = ", ".join(str(name)[:200] for name in foreign[:20])
        raise ContractError(
            f"{version.model} {version.version} holds types that are not trusted: {names}. Add "
            f"those that you have read to `[models.{version.model}.model] trusted_types` in "
            "mlops.toml, restart the app and retry the release; or train without them.",
            code="UNTRUSTED_TYPES",
        )


def differs_from_registered(
    version: ModelVersion, digests: Mapping[str, str], schema_digest: str
) -> str:
    """Return the name of the part of an image that differs from the judged one, "" without any.

    `digests` are the SHA-256 of each file of the model folder, `schema_digest` that of the schema
    beside it. A version that 0.1.0 registered has no digest of its schema.
    """
    # A line break in a name would make two folders of one digest.
    if any("\n" in name for name in digests) or folder_digest(digests) != version.digest:
        return "the model folder"
    return "" if version.schema_digest in ("", schema_digest) else "model_schema.json"


def check_servable(version: ModelVersion, files: Iterable[str]) -> None:
    """Raise ContractError when the app's own service cannot serve a model folder of these files."""
    if missing := sorted(set(SERVED_FILES) - set(files)):
        raise ContractError(
            f"The model folder of {version.model} {version.version} has no "
            f"{' and no '.join(missing)}, which the app's own service reads. Let `train` write "
            "skops files, as training/ does, and train again; or name a folder with a service of "
            "yours by `scoring` in mlops.toml, restart the app and retry the release "
            "(docs/reference/model-contract.md, Serving).",
            code="NOT_SERVABLE",
        )
