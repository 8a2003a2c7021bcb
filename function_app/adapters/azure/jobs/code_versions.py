"""Published versions of a model's code: the training step in Azure ML, and its environment."""

import hashlib

from function_app.adapters.azure.bundles import AzureBundles
from function_app.adapters.azure.jobs import run_specs as specs
from function_app.adapters.azure.jobs.environments import Environments
from function_app.adapters.azure.jobs.submission import component_of
from function_app.adapters.azure.reach.connection import translate
from function_app.adapters.azure.reach.workspace import Workspace
from function_app.domain.change.change import Bundle, CodeVersion
from function_app.domain.change.program import Program
from function_app.errors import NotFoundError

OWN = "training"  # the folder of this app whose list of packages is the default


class CodeVersions:
    """Registers the training step of a version once, and finds its archive and environment."""

    def __init__(
        self, workspace: Workspace, bundles: AzureBundles, environments: Environments
    ) -> None:
        self._workspace, self._bundles = workspace, bundles
        self._environments = environments

    def publish(self, version: CodeVersion, program: Program) -> None:
        """Register the training step, then make the version the current one."""
        self.ensure_component(version, program)
        self._bundles.point(version)

    def ensure_component(self, version: CodeVersion, program: Program) -> str:
        """Register the training step of a version, or find it; return its name and version."""
        name, label = step_name(version.model), step_label(version, program)
        if not self.has_component(name, label):
            command = specs.train_command(program)
            environment = self.environment(version, program.module)
            component = component_of(name, label, version, command, environment)
            with translate("publish the training step", f"{name}:{label}"):
                self._workspace.client.components.create_or_update(component)
        return f"{name}:{label}"

    def has_component(self, name: str, label: str) -> bool:
        """Return whether this training step is registered."""
        try:
            with translate("read the training step", f"{name}:{label}"):
                self._workspace.client.components.get(name, version=label)
        except NotFoundError:
            return False
        return True

    def environment(self, code: CodeVersion | None, module: str, *more: str) -> str:
        """Return the environment of the packages that the code says it needs, and more."""
        return self._environments.ensure(self.requirements(code, module), *more)

    def requirements(self, code: CodeVersion | None, module: str) -> str:
        """Return the code's own list of packages, else the one of this app's training."""
        folder = specs.module_folder(module)
        requirements = self._read(code, folder) or self._read(None, OWN)
        if requirements is None:
            raise NotFoundError(f"{OWN} has no requirements.txt. Add one with pinned versions.")
        return requirements.decode()

    def _read(self, code: CodeVersion | None, folder: str) -> bytes | None:
        try:
            return self._bundles.files(code, folder).get(f"{folder}/requirements.txt")
        except NotFoundError:
            return None  # the run fails, and its log says that the folder is missing

    def own(self, model: str, module: str) -> CodeVersion:
        """Return this app's own code as a version of the model's; nothing is published."""
        bundle = self._bundles.find_own(specs.module_folder(module))
        return CodeVersion(model=model, version=bundle.digest, uri=bundle.uri, commit="")

    def archive(self, code: CodeVersion | None, module: str) -> Bundle:
        """Return the archive that a run unpacks; without a version it is this app's own code."""
        if code is None:
            return self._bundles.store_own(specs.module_folder(module))
        return Bundle(digest=code.version, uri=code.uri, commit=code.commit)

    def train_command(self, code: CodeVersion | None, program: Program, recorder: Bundle) -> str:
        """Return the command of a training that records its environment; `recorder` has the script.

        The digest of this app's own code is recorded where no published version trains.
        """
        environment = self.environment(code, program.module)
        own = "" if code else self.archive(None, program.module).digest
        command = specs.train_command(program)
        return specs.recorded(command, recorder, environment, own, program)


def step_name(model: str) -> str:
    """Return the name of a model's training step; Azure ML allows no `-`, models no `_`."""
    return f"train_{model.replace('-', '_')}"


def step_label(version: CodeVersion, program: Program) -> str:
    """Return the version of a training step, which cannot change: another command is another one.

    It has 32 hex digits: those of the code's version for a module.
    """
    if not program.words:
        return version.version[:32]
    text = f"{version.version} {program.text}"
    return hashlib.sha256(text.encode()).hexdigest()[:32]
