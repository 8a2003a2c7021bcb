"""The Azure adapters of runs, models, images and deployments, put together."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from function_app.adapters.azure.bundles import AzureBundles
from function_app.adapters.azure.images.base_images import BaseImages
from function_app.adapters.azure.images.build_context import BuildContexts
from function_app.adapters.azure.images.build_runs import BuildRuns
from function_app.adapters.azure.images.images import AzureImages
from function_app.adapters.azure.images.manifests_api import Manifests
from function_app.adapters.azure.jobs.code_versions import CodeVersions
from function_app.adapters.azure.jobs.environments import Environments
from function_app.adapters.azure.jobs.jobs import AzureJobs
from function_app.adapters.azure.jobs.references import References
from function_app.adapters.azure.keys import VaultKeys
from function_app.adapters.azure.platform.base_image_part import BaseImagePart
from function_app.adapters.azure.platform.platform import AzurePlatform, azure_parts
from function_app.adapters.azure.probe import AzureProbe
from function_app.adapters.azure.production.kubernetes.production import AzureProduction
from function_app.adapters.azure.production.online_endpoint.online_endpoint import (
    OnlineEndpointProduction,
)
from function_app.adapters.azure.reach.blobs import Blobs
from function_app.adapters.azure.reach.web import Web
from function_app.adapters.azure.reach.workspace import Workspace
from function_app.adapters.azure.registry import AzureRegistry
from function_app.adapters.azure.staging.staging import AzureStaging
from function_app.domain.project import ModelProject
from function_app.errors import ConfigError
from function_app.ports import Images, Jobs, Platform, Probe, Production, Registry, Rows, Staging

CLUSTER, ENDPOINT = "cluster", "endpoint"


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The ports that this half of the adapters fulfils, and where bundles of code are kept."""

    bundles: AzureBundles
    jobs: Jobs
    registry: Registry
    images: Images
    staging: Staging
    production: Production
    probe: Probe
    platform: Platform


def create_services(
    workspace: Workspace,
    root: Path,
    projects: Mapping[str, ModelProject],
    rows: Rows,
) -> Services:
    """Return the adapters; no request is sent and no SDK imported before one is used."""
    connection = workspace.connection
    blobs, web = Blobs(connection), Web(connection)
    bundles = AzureBundles(blobs, root)
    environments = Environments(workspace, connection.settings.training_image)
    versions = CodeVersions(workspace, bundles, environments)
    manifests = Manifests(connection, web)
    bases = BaseImages(connection, manifests, blobs)
    contexts, builds = BuildContexts(bundles, blobs, bases, rows), BuildRuns(connection, web)
    jobs = AzureJobs(workspace, blobs, bundles, environments, projects, rows)
    references = References(blobs, jobs)
    parts = azure_parts(workspace, blobs, environments, versions, projects, references)
    parts.append(BaseImagePart(contexts, bases))
    keys = VaultKeys(connection)
    staging, production = (
        AzureStaging(connection, manifests.server, keys),
        _production(workspace, projects, keys),
    )
    proxy_of = production.service_proxy if isinstance(production, AzureProduction) else None
    return Services(
        bundles=bundles,
        jobs=jobs,
        registry=AzureRegistry(workspace, blobs, rows),
        images=AzureImages(contexts, blobs, builds, manifests, projects),
        staging=staging,
        production=production,
        probe=AzureProbe(connection, blobs, keys, staging, proxy_of),
        platform=AzurePlatform(parts),
    )


def _production(
    workspace: Workspace, projects: Mapping[str, ModelProject], keys: VaultKeys
) -> Production:
    kind = workspace.connection.settings.production
    if kind == CLUSTER:
        return AzureProduction(workspace.connection, projects, keys)
    if kind == ENDPOINT:
        return OnlineEndpointProduction(workspace, projects, keys)
    raise ConfigError(f"MLOPS_AZURE_PRODUCTION is {kind!r}. Use {CLUSTER} or {ENDPOINT}.")
