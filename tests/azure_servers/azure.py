"""Azure on this machine: the management API, its storage, and adapters that differ by settings."""

import importlib
import json
import os
import re
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

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
from function_app.adapters.azure.jobs.run_specs import OUTPUTS, datastore_of
from function_app.adapters.azure.keys import VaultKeys
from function_app.adapters.azure.platform.base_image_part import BaseImagePart
from function_app.adapters.azure.platform.platform import AzurePlatform, azure_parts
from function_app.adapters.azure.probe import AzureProbe
from function_app.adapters.azure.production.kubernetes.production import AzureProduction
from function_app.adapters.azure.production.online_endpoint.online_endpoint import (
    OnlineEndpointProduction,
)
from function_app.adapters.azure.reach.blobs import Blobs
from function_app.adapters.azure.reach.connection import Connection
from function_app.adapters.azure.reach.web import Web
from function_app.adapters.azure.reach.workspace import Workspace
from function_app.adapters.azure.registry import AzureRegistry
from function_app.adapters.azure.staging.staging import AzureStaging
from function_app.adapters.local.rows import LocalRows
from function_app.domain.project import ModelProject
from function_app.settings.azure import AzureSettings
from tests.azure_servers.access import CONTAINERS, IDENTITIES, Access
from tests.azure_servers.aci import ContainerInstances
from tests.azure_servers.acr import Registry
from tests.azure_servers.aks import ManagedClusters
from tests.azure_servers.arm import ArmServer
from tests.azure_servers.arm_ml import MachineLearning
from tests.azure_servers.blob import BlobServer
from tests.azure_servers.bodies import answer_of, resource_of
from tests.azure_servers.cluster import Cluster
from tests.azure_servers.definitions import strange_answers, strange_fields
from tests.azure_servers.event_grid import EventGrid
from tests.azure_servers.identity import CLIENT, REPLICA, IdentityServer
from tests.azure_servers.names import settings_of_tests
from tests.azure_servers.online import OnlineEndpoints
from tests.azure_servers.record import ANSWERED, SENT
from tests.azure_servers.tls import Tls
from tests.azure_servers.vault import Vault
from tests.sample_project import sample_projects

ROOT = Path(__file__).parents[2]
VERSIONS, CHECKS, CHECKS_INPUTS = "versions", "checks", "checks-inputs"
RUNS, EVALUATIONS = "runs", "evaluations"
_WRITTEN = re.compile(r"runs/[^/]+/(?P<folder>[^/]+)/")
NOW = datetime(2026, 1, 1, tzinfo=UTC)
# Azure ML's SDK uses deprecated functions of its libraries; for `pytestmark`.
sdk_warnings = pytest.mark.filterwarnings("ignore::DeprecationWarning:marshmallow.*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Azure:
    """The servers for a test of an adapter, and the settings that lead to them."""

    arm: ArmServer
    ml: MachineLearning
    blobs: BlobServer
    acr: Registry
    aci: ContainerInstances
    cluster: Cluster
    grid: EventGrid
    endpoints: OnlineEndpoints
    vault: Vault
    settings: AzureSettings
    root: Path
    folder: Path
    projects: dict[str, ModelProject]

    def connection(self) -> Connection:
        return Connection(self.settings, retries=2)

    def jobs(self, now: Callable[[], datetime] | None = None) -> AzureJobs:
        """Return new jobs, as another process of the app has them."""
        workspace = Workspace(self.connection())
        blobs = Blobs(workspace.connection)
        bundles = AzureBundles(blobs, self.root)
        environments = Environments(workspace, self.settings.training_image)
        return AzureJobs(workspace, blobs, bundles, environments, self.projects, self.rows(), now)

    def rows(self) -> LocalRows:
        """Return the rows of the app, which no run reaches; tests/contracts tries rows in Azure."""
        return LocalRows(self.folder / "rows.db")

    def bundles(self) -> AzureBundles:
        """Return new bundles of code."""
        return AzureBundles(Blobs(self.connection()), self.root)

    def registry(self) -> AzureRegistry:
        """Return a new registry, as another process of the app has it."""
        workspace = Workspace(self.connection())
        return AzureRegistry(workspace, Blobs(workspace.connection), self.rows(), patience=0.5)

    def images(self, now: Callable[[], datetime] = lambda: NOW) -> AzureImages:
        """Return new images, as another process of the app has them."""
        connection = self.connection()
        blobs, web = Blobs(connection), Web(connection)
        builds, manifests = BuildRuns(connection, web), Manifests(connection, web)
        return AzureImages(self.contexts(now), blobs, builds, manifests, self.projects, now)

    def contexts(self, now: Callable[[], datetime] = lambda: NOW) -> BuildContexts:
        """Return new build contexts, as another process of the app has them."""
        connection = self.connection()
        blobs, manifests = Blobs(connection), Manifests(connection, Web(connection))
        bases = BaseImages(connection, manifests, blobs, now)
        return BuildContexts(AzureBundles(blobs, self.root), blobs, bases, self.rows())

    def staging(self) -> AzureStaging:
        """Return a new staging, as another process of the app has it."""
        connection = self.connection()
        return AzureStaging(connection, self.acr.server, VaultKeys(connection), lambda: NOW)

    def production(self) -> AzureProduction:
        """Return a new production, as another process of the app has it."""
        connection = self.connection()
        return AzureProduction(connection, self.projects, VaultKeys(connection))

    def online(self) -> OnlineEndpointProduction:
        """Return a new production on a managed endpoint."""
        connection = self.connection()
        keys = VaultKeys(connection)
        return OnlineEndpointProduction(Workspace(connection), self.projects, keys)

    def probe(self) -> AzureProbe:
        """Return a new probe."""
        connection = self.connection()
        proxy_of = (
            self.production().service_proxy if self.settings.production == "cluster" else None
        )
        keys = VaultKeys(connection)
        return AzureProbe(connection, Blobs(connection), keys, self.staging(), proxy_of)

    def platform(self) -> AzurePlatform:
        """Return a new platform, as another process of the app has it."""
        workspace = Workspace(self.connection())
        blobs = Blobs(workspace.connection)
        environments = Environments(workspace, self.settings.training_image)
        versions = CodeVersions(workspace, AzureBundles(blobs, self.root), environments)
        references = References(blobs, self.jobs())
        parts = azure_parts(workspace, blobs, environments, versions, self.projects, references)
        connection = workspace.connection
        bases = BaseImages(connection, Manifests(connection, Web(connection)), blobs, lambda: NOW)
        contexts = BuildContexts(AzureBundles(blobs, self.root), blobs, bases, self.rows())
        return AzurePlatform([*parts, BaseImagePart(contexts, bases)])

    def with_settings(self, **values: Any) -> "Azure":
        """Return the same Azure seen with other settings."""
        return replace(self, settings=replace(self.settings, **values))

    def with_root(self, *packages: str) -> "Azure":
        """Return the same Azure, of an app that has these packages beside its training."""
        root = Path(tempfile.mkdtemp(dir=self.folder))
        for name in ("training", "platform_jobs"):
            (root / name).symlink_to(ROOT / name)
        for name in packages:
            (root / name).mkdir()
            (root / name / "__init__.py").write_text('"""A stand-in."""\n')
        return replace(self, root=root)

    def wrote(self, name: str, content: bytes, container: str = "") -> None:
        """Let a run have written a file, or the app: by default into the container of its kind."""
        self.blobs.put(container or container_of(name), name, content)

    def written(self, name: str) -> bytes:
        """Return a file that a run wrote, or the app."""
        return self.blobs.containers[container_of(name)][name]


@pytest.fixture
def azure(
    tls: Tls,
    identity: IdentityServer,
    tmp_path: Path,
) -> Iterator[Azure]:
    with running(tls, tmp_path) as made:
        yield made


@contextmanager
def running(tls: Tls, folder: Path) -> Iterator[Azure]:
    """Yield an empty Azure; at the end, check its requests and answers against the definitions.

    The process must have an identity, as the fixture `identity` gives it.
    """
    import_sdk()
    with (
        ArmServer(tls) as arm,
        BlobServer(tls) as blobs,
        Registry(tls, arm) as acr,
        Cluster(tls) as cluster,
        Vault(tls) as vault,
    ):
        ManagedClusters(arm, cluster.url, tls.ca_file.read_bytes())
        blobs.containers |= {
            name: {} for name in (VERSIONS, RUNS, EVALUATIONS, CHECKS, CHECKS_INPUTS)
        }
        blobs.identities |= {name: Access.of(name) for name in IDENTITIES.values()}
        blobs.identities |= {CLIENT: Access.of("app"), REPLICA: Access.of("replica")}
        settings = settings_of_tests(
            tls.ca_file,
            management_endpoint=arm.url,
            blob_endpoint=blobs.url,
            compute="training",
            registry_server=acr.server,
            cluster="cluster",
            keys_vault=vault.url,
        )
        ml = MachineLearning(arm)
        yield Azure(
            arm=arm,
            ml=ml,
            blobs=blobs,
            acr=acr,
            aci=ContainerInstances(arm),
            cluster=cluster,
            grid=EventGrid(arm),
            endpoints=OnlineEndpoints(arm),
            vault=vault,
            settings=settings,
            root=ROOT,
            folder=folder,
            projects=sample_projects(),
        )
        if target := os.environ.get("RECORD_BODIES"):
            keep_bodies(Path(target), arm)
            return
        # In every test, Microsoft's own definitions know each field that was sent or answered.
        strange = strange_fields(arm.requests) + strange_answers(arm.answers)
        assert not strange, strange


def container_of(name: str) -> str:
    """Return the container of a file: the container of its kind of run, or of versions."""
    found = _WRITTEN.match(name)
    kinds = {folder: kind for kind, folder in OUTPUTS.items()}
    if found is None or found["folder"] not in kinds:
        return VERSIONS
    return CONTAINERS[datastore_of(kinds[found["folder"]])]


def keep_bodies(target: Path, arm: ArmServer) -> None:
    """Append the bodies that were sent and answered to a file, for record.py."""
    sent = [(SENT, resource_of(request)) for request in arm.requests]
    answered = [(ANSWERED, answer_of(*pair)) for pair in arm.answers]
    with target.open("a", encoding="utf-8") as file:
        for way, resource in (*sent, *answered):
            if resource is not None:
                file.write(json.dumps({"way": way, "resource": asdict(resource)}) + "\n")


def import_sdk() -> None:
    """Import Azure ML's SDK, whose classes warn of their own libraries' future as they are made."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        importlib.import_module("azure.ai.ml")
        importlib.import_module("azure.ai.ml.entities")
        polling = importlib.import_module("azure.ai.ml._utils._azureml_polling")
    # Its threads print a dot at each poll of an operation, also in later tests, whose captured
    # lines would begin with dots (findings/azure-ml-dropped-poller-prints.sh).
    vars(polling)["print"] = lambda *texts, **options: None
