"""The parts of the platform that each model has: storage, environment, training step, baseline."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol, Union

from function_app.adapters.azure.jobs.code_versions import CodeVersions, step_label, step_name
from function_app.adapters.azure.jobs.environments import NAME, Environments
from function_app.adapters.azure.jobs.run_specs import DATASET, MODEL
from function_app.adapters.azure.platform.platform_parts import MARK, SteadyPart, get_or_none
from function_app.adapters.azure.reach.blobs import Blobs
from function_app.adapters.azure.reach.connection import translate
from function_app.adapters.azure.reach.workspace import Workspace, datastore_path
from function_app.domain.change.change import CodeVersion
from function_app.domain.project import ModelProject
from function_app.domain.training import Reference
from function_app.late_imports import importing

if TYPE_CHECKING:
    from azure.ai.ml.entities import Data

_BASELINE = "baseline"


class ContainerPart(SteadyPart[bool]):
    """A container that this app or its replicas write."""

    def __init__(self, content: str, blobs: Blobs) -> None:
        self.name, self._blobs = f"{content} container", blobs

    def find(self) -> bool | None:
        return self._blobs.container_exists() or None

    def describe(self) -> str:
        return f"container {self._blobs.address}"

    def make(self, resource: bool | None) -> None:
        self._blobs.ensure_container()

    def is_ours(self, resource: bool) -> bool:
        return False  # its content cannot be made again

    def delete(self, resource: bool) -> None:
        """Do nothing: see is_ours."""


class EnvironmentPart(SteadyPart[list[str]]):
    """The environment in which the training code of this app runs."""

    def __init__(
        self,
        workspace: Workspace,
        environments: Environments,
        versions: CodeVersions,
        projects: Mapping[str, ModelProject],
    ) -> None:
        self.name = "environment"
        self._workspace, self._environments, self._versions = workspace, environments, versions
        self._modules = sorted({project.training for project in projects.values()})

    def find(self) -> list[str] | None:
        absent = [text for text in self._lists() if not self._environments.exists(self._of(text))]
        return None if absent else self._lists()

    def describe(self) -> str:
        environments = sorted({self._of(text) for text in self._lists()})
        return ", ".join(f"environment {NAME}:{version}" for version in environments)

    def make(self, resource: list[str] | None) -> None:
        for text in self._lists():
            self._environments.ensure(text)

    def is_ours(self, resource: list[str]) -> bool:
        return True  # its name is this app's

    def delete(self, resource: list[str]) -> None:
        for text in resource:
            version = self._of(text)
            with translate("archive the environment", version):
                self._workspace.client.environments.archive(NAME, version=version)

    def _lists(self) -> list[str]:
        return [self._versions.requirements(None, module) for module in self._modules]

    def _of(self, requirements: str) -> str:
        return self._environments.version_of(requirements)


class StepPart(SteadyPart[CodeVersion]):
    """The training step of this app's own code, which a model has before any code is pushed."""

    def __init__(
        self, workspace: Workspace, versions: CodeVersions, model: str, project: ModelProject
    ) -> None:
        self.name = f"training step of {model}"
        self._workspace, self._versions = workspace, versions
        self._model, self._program = model, project.program

    def find(self) -> CodeVersion | None:
        code = self._code()
        name, label = step_name(self._model), step_label(code, self._program)
        return code if self._versions.has_component(name, label) else None

    def describe(self) -> str:
        return f"component {step_name(self._model)}"

    def make(self, resource: CodeVersion | None) -> None:
        self._versions.archive(None, self._program.module)
        self._versions.ensure_component(self._code(), self._program)

    def is_ours(self, resource: CodeVersion) -> bool:
        return True  # its name is this app's

    def delete(self, resource: CodeVersion) -> None:
        name, label = step_name(self._model), step_label(resource, self._program)
        with translate("archive the training step", name):
            self._workspace.client.components.archive(name, version=label)

    def _code(self) -> CodeVersion:
        return self._versions.own(self._model, self._program.module)


class ReferenceData(Protocol):
    """The reference data of each model."""

    def find(self, model: str) -> Reference | None:
        """Return the reference data; None before there is any. It changes nothing."""

    def adopt(self, model: str) -> Reference | None:
        """Copy the reference data to a folder that no run writes; return it, or None."""

    def ask_for_sample(self, model: str) -> None:
        """Start the run that writes the model's sample data, or find it."""

    def is_asked(self, model: str) -> bool:
        """Return whether that run was started."""


class Asked:
    """There is no reference data yet, and nothing to do.

    The sample comes from a run, or the first data that is accepted becomes it. The platform does
    not wait for either.
    """


Baseline = Union["Data", Asked]


class BaselinePart(SteadyPart[Baseline]):
    """The reference data of a model as a data asset, whose version is the digest of its bytes."""

    def __init__(
        self,
        workspace: Workspace,
        blobs: Blobs,
        model: str,
        references: ReferenceData,
        *,
        own_code: bool,
    ) -> None:
        """`own_code` is True when the model's code is this app's, which can write a sample."""
        self.name, self._own_code = f"baseline dataset of {model}", own_code
        self._workspace, self._blobs = workspace, blobs
        self._model, self._references = model, references

    def find(self) -> Baseline | None:
        reference = self._references.find(self._model)
        if reference is None:
            asked = not self._own_code or self._references.is_asked(self._model)
            return Asked() if asked else None
        version = reference.dataset.version[:32]

        def get() -> "Data":
            with translate("read the baseline", self._asset):
                asset: Data = self._workspace.client.data.get(self._asset, version=version)
            return asset

        return get_or_none(get)

    def describe(self) -> str:
        return f"data asset {self._asset}, of the model's sample or its first data"

    def make(self, resource: Baseline | None) -> None:
        with importing():
            from azure.ai.ml.entities import Data

        reference = self._references.adopt(self._model)
        if reference is None:
            return self._references.ask_for_sample(self._model)
        dataset = reference.dataset
        name = self._blobs.name_of(dataset.uri)
        asset = Data(
            name=self._asset,
            version=dataset.version[:32],
            type="uri_file",
            path=dataset.uri if name is None else datastore_path(name),
            description=f"Reference data of {self._model}.",
            tags={MARK: _BASELINE, MODEL: self._model, DATASET: dataset.version},
        )
        with translate("register the baseline", self._asset):
            self._workspace.client.data.create_or_update(asset)

    def is_ours(self, resource: Baseline) -> bool:
        return not isinstance(resource, Asked) and (resource.tags or {}).get(MARK) == _BASELINE

    def delete(self, resource: Baseline) -> None:
        if isinstance(resource, Asked):
            return
        with translate("archive the baseline", self._asset):
            self._workspace.client.data.archive(self._asset, version=resource.version)

    @property
    def _asset(self) -> str:
        return f"{self._model}-baseline"
