"""Both platforms with a trained model: builds, deployments, production, and passing time."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from function_app.adapters.local.bundles import LocalBundles
from function_app.adapters.local.images.images import LocalImages
from function_app.adapters.local.keys import LocalKeys
from function_app.adapters.local.production.production import LocalProduction
from function_app.adapters.local.reach.processes import Processes
from function_app.adapters.local.registry import digest_of_folder
from function_app.adapters.local.staging import LocalStaging
from function_app.domain.release.serving import Image, Rollout
from function_app.domain.training import ModelVersion
from function_app.ports import Images, Production, Staging
from tests.azure_servers.azure import NOW, ROOT, Azure
from tests.made_once import trained
from tests.patience import PATIENCE
from tests.sample_project import sample_projects

ASKS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """A platform; `settle` lets everything that is under way end."""

    images: Images
    staging: Staging
    production: Production
    version: Callable[[str], ModelVersion]
    settle: Callable[[], None]

    def image(self, number: str) -> Image:
        """Return the image of a version, asked for as a story does."""
        version = self.version(number)
        for _ in range(ASKS):
            build = self.images.build(version)
            if build.image is not None:
                return build.image
            self.settle()
        raise AssertionError(build.detail)

    def reach(self, ask: Callable[[], Rollout]) -> Rollout:
        """Ask until it is done, as a story does."""
        for _ in range(ASKS):
            rollout = ask()
            if rollout.done:
                return rollout
            self.settle()
        raise AssertionError(rollout.detail)


def train(folder: Path) -> Path:
    """Copy a trained and evaluated model of this project into the folder; return the model's folder.

    The evaluation lies beside it.
    """
    shutil.copytree(trained(), folder, dirs_exist_ok=True)
    return folder / "model"


@contextmanager
def local_bench(state: Path, model: Path) -> Iterator[Bench]:
    """Give this machine; the started processes are stopped at the end."""
    processes, projects = Processes(state / "processes"), sample_projects()
    keys = LocalKeys(state, state / "user")
    images = LocalImages(state, ROOT, projects, LocalBundles(state))

    def version(number: str) -> ModelVersion:
        return _version(number, model, str(model))

    staging = LocalStaging(state, images, processes, keys, ready_seconds=PATIENCE, now=lambda: NOW)
    yield Bench(
        images=images,
        staging=staging,
        production=LocalProduction(state, ROOT, images, processes, keys, ready_seconds=PATIENCE),
        version=version,
        settle=lambda: None,
    )
    for release in staging.list_releases():
        staging.remove(release)
    processes.stop("production-diabetes")


def azure_bench(azure: Azure, model: Path) -> Bench:
    """Give Azure, whose services do their work when time passes."""

    def version(number: str) -> ModelVersion:
        outputs = {
            f"runs/run-{number}/model": model,
            f"runs/run-{number}-vs-nothing/evaluation": model.parent / "evaluation",
        }
        for blob, folder in outputs.items():
            for path in (path for path in folder.rglob("*") if path.is_file()):
                azure.wrote(f"{blob}/{path.relative_to(folder).as_posix()}", path.read_bytes())
        return _version(number, model, f"azureml:diabetes:{number}")

    def settle() -> None:
        for run_id, run in azure.acr.runs.items():
            if run["properties"]["status"] == "Queued":
                azure.acr.finish(run_id)
        for name, group in list(azure.aci.groups.items()):
            if group["properties"]["provisioningState"] == "Deleting":
                del azure.aci.groups[name]
            elif group["properties"]["provisioningState"] == "Creating":
                azure.aci.run(name)
        azure.cluster.settle()

    return Bench(
        images=azure.images(),
        staging=azure.staging(),
        production=azure.production(),
        version=version,
        settle=settle,
    )


def _version(number: str, model: Path, uri: str) -> ModelVersion:
    return ModelVersion(
        model="diabetes",
        version=number,
        run_id=f"run-{number}",
        uri=uri,
        digest=digest_of_folder(model),
        evaluation_id=f"run-{number}-vs-nothing",
    )
