"""Promises of the local adapters that the tests of stories do not cover."""

import hashlib
import json
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from function_app.adapters.local.bundles import LocalBundles
from function_app.adapters.local.data.datasets import LocalDatasets
from function_app.adapters.local.images.images import LocalImages
from function_app.adapters.local.keys import LocalKeys
from function_app.adapters.local.production.production import LocalProduction
from function_app.adapters.local.reach.processes import Processes
from function_app.adapters.local.registry import LocalRegistry, digest_of_folder
from function_app.adapters.local.staging import LocalStaging
from function_app.domain.project import ModelProject
from function_app.domain.release.serving import Deployment, Image, Rollout
from function_app.domain.training import Judged, ModelVersion, Run, RunStatus
from function_app.errors import AttemptError, ContractError, NotFoundError, PlatformError
from function_app.settings.settings import read_projects
from tests.contracts.benches import train
from tests.funchost.conftest import until
from tests.patience import PATIENCE

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(tmp_path_factory.mktemp("model"))


def version_of(model: Path, version: str = "1") -> ModelVersion:
    digest = digest_of_folder(model)
    return ModelVersion(
        model="diabetes", version=version, run_id="r", uri=str(model), digest=digest
    )


def built(images: LocalImages, version: ModelVersion) -> Image:
    image = images.build(version).image
    assert image is not None
    return image


def reach(ask: Callable[[], Rollout]) -> Rollout:
    """Ask until it is done, as a story does; an attempt that failed raises."""
    rollouts: list[Rollout] = []

    def is_done() -> bool:
        rollouts.append(ask())
        return rollouts[-1].done

    until(is_done, "the rollout", 100)
    return rollouts[-1]


def there(ask: Callable[[], Rollout]) -> Deployment:
    rollout = reach(ask)
    assert rollout.deployment is not None
    return rollout.deployment


def projects() -> dict[str, ModelProject]:
    return read_projects(ROOT / "mlops.toml")


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    made = Processes(tmp_path / "processes")
    yield made
    for path in (tmp_path / "processes").glob("*.lock"):
        made.stop(path.stem)


def test_the_same_version_gives_the_same_image_anywhere(tmp_path: Path, model: Path) -> None:
    first = built(
        LocalImages(tmp_path / "a", ROOT, projects(), LocalBundles(tmp_path / "a")),
        version_of(model),
    )
    second = built(
        LocalImages(tmp_path / "b", ROOT, projects(), LocalBundles(tmp_path / "b")),
        version_of(model),
    )

    assert first.digest == second.digest
    assert first.digest.startswith("sha256:")


def test_an_image_is_a_valid_oci_layout(tmp_path: Path, model: Path) -> None:
    images = LocalImages(tmp_path, ROOT, projects(), LocalBundles(tmp_path))
    image = built(images, version_of(model))
    built(images, version_of(model))
    layout = tmp_path / "images"
    index = json.loads((layout / "index.json").read_text())

    assert json.loads((layout / "oci-layout").read_text()) == {"imageLayoutVersion": "1.0.0"}
    assert [m["digest"] for m in index["manifests"]] == [image.digest]
    manifest_file = layout / "blobs/sha256" / image.digest.removeprefix("sha256:")
    assert index["manifests"][0]["size"] == manifest_file.stat().st_size


def test_a_changed_image_is_not_run(tmp_path: Path, model: Path) -> None:
    images = LocalImages(tmp_path, ROOT, projects(), LocalBundles(tmp_path))
    image = built(images, version_of(model))
    manifest = tmp_path / "images/blobs/sha256" / image.digest.removeprefix("sha256:")
    layer = json.loads(manifest.read_text())["layers"][0]["digest"].removeprefix("sha256:")
    (tmp_path / "images/blobs/sha256" / layer).write_bytes(b"other")

    with pytest.raises(PlatformError, match="was changed"):
        images.unpack(image)


@pytest.mark.parametrize("content", [None, b"", b"other"])
def test_a_deleted_or_garbled_blob_of_an_image_is_written_again_by_its_next_build(
    tmp_path: Path, model: Path, content: bytes | None
) -> None:
    images = LocalImages(tmp_path, ROOT, projects(), LocalBundles(tmp_path))
    image = built(images, version_of(model))
    for blob in [*(tmp_path / "images/blobs/sha256").iterdir(), tmp_path / "images/index.json"]:
        damage(blob, content)

    with pytest.raises((NotFoundError, PlatformError), match="Build it again"):
        images.unpack(image)
    assert built(images, version_of(model)) == image
    assert (images.unpack(image) / "model" / "model.skops").exists()


@pytest.mark.parametrize("content", [None, b"", b"other"])
def test_a_deleted_or_garbled_file_of_an_unpacked_image_is_unpacked_again(
    tmp_path: Path, model: Path, content: bytes | None
) -> None:
    images = LocalImages(tmp_path, ROOT, projects(), LocalBundles(tmp_path))
    image = built(images, version_of(model))
    file = images.unpack(image) / "model" / "model.skops"
    damage(file, content)

    assert images.unpack(image) / "model" / "model.skops" == file
    assert file.read_bytes() == (model / "model.skops").read_bytes()
    damage(file.parents[2] / "whole", content)
    images.unpack(image)
    assert file.read_bytes() == (model / "model.skops").read_bytes()


class Topic:
    """A topic that keeps the subjects of its events."""

    def __init__(self) -> None:
        self.published: list[str] = []

    def publish(self, kind: str, subject: str, content: dict[str, object]) -> None:
        self.published.append(subject)


def damage(path: Path, content: bytes | None) -> None:
    """Write over a file, or delete it when there is no content."""
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)


def test_numbers_go_on_after_the_releases_when_the_database_of_mlflow_was_deleted(
    tmp_path: Path, model: Path
) -> None:
    """A version with the number of an earlier release would get that release's outcome."""
    run = Run(
        run_id="train-diabetes-a",
        model="diabetes",
        status=RunStatus.COMPLETED,
        dataset_version="d",
        output_uri=str(model),
    )
    # A running process would keep its open file of the database: the app was started again.
    registry = LocalRegistry(tmp_path, Topic(), lambda model: 3)

    (tmp_path / "runs" / "e" / "evaluation").mkdir(parents=True)
    judged = Judged(evaluation_id="e", digest=digest_of_folder(model), metrics={})

    version = registry.register(run, judged)

    assert version.version == "4"
    assert registry.register(run, judged) == version
    assert tuple(registry.list_versions("diabetes")) == (version,)
    assert registry.register(replace(run, run_id="train-diabetes-b"), judged).version == "5"


@pytest.mark.parametrize("content", [None, b"", b"[]", b"{half"])
def test_files_are_announced_again_when_the_record_of_them_is_lost(
    tmp_path: Path, content: bytes | None
) -> None:
    """The same content is claimed once, so a repeated event starts nothing."""
    topic = Topic()
    datasets = LocalDatasets(tmp_path, ROOT, topic)
    file = tmp_path / "inbox" / "data" / "a.csv"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"a,Y\n1,2\n")
    counts = [datasets.announce() for _ in range(3)]
    damage(tmp_path / "announced.json", content)

    assert counts == [0, 1, 0]
    assert [datasets.announce() for _ in range(2)] == [1, 0]
    assert len(set(topic.published)) == 1


def test_a_model_that_the_own_service_cannot_serve_is_told_before_staging(
    tmp_path: Path, model: Path
) -> None:
    # It was found in staging, by a service that did not start in five attempts.
    other = tmp_path / "other"
    shutil.copytree(model, other)
    (other / "model.skops").rename(other / "tree.json")
    (tmp_path / "evaluation").mkdir()
    (tmp_path / "evaluation" / "model_schema.json").write_text("{}")
    images = LocalImages(tmp_path, ROOT, projects(), LocalBundles(tmp_path))

    with pytest.raises(ContractError, match=r"no model\.skops, .* or name a folder with a service"):
        images.build(version_of(other))


def test_a_schema_that_somebody_deleted_is_named(tmp_path: Path, model: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(model, other)
    images = LocalImages(tmp_path, ROOT, projects(), LocalBundles(tmp_path))

    with pytest.raises(PlatformError, match=r"model_schema\.json cannot be read. Train again"):
        images.build(version_of(other))


def test_an_image_that_nobody_built_is_not_found(tmp_path: Path) -> None:
    image = Image(model="diabetes", version="1", digest=f"sha256:{0:064d}", uri="")

    with pytest.raises(NotFoundError, match="There is no image"):
        LocalImages(tmp_path, ROOT, projects(), LocalBundles(tmp_path)).unpack(image)


def test_a_process_is_started_once_and_found_and_ended(
    tmp_path: Path, processes: Processes
) -> None:
    command = [sys.executable, "-c", "import time; time.sleep(600)"]
    started = [
        processes.start("p", command, cwd=tmp_path, environ={}, port=port) for port in (1, 2)
    ]
    found = Processes(tmp_path / "processes").find("p")

    assert started == [True, False]
    assert found is not None
    assert found.port == 1
    processes.stop("p")
    assert processes.find("p") is None


def test_a_process_that_ignores_a_polite_end_is_ended_by_force(
    tmp_path: Path, processes: Processes
) -> None:
    code = "import signal, time; signal.signal(15, lambda *_: None); print('up', flush=True)\nwhile True: time.sleep(1)"
    processes.start("p", [sys.executable, "-c", code], cwd=tmp_path, environ={}, port=1)
    until(lambda: "up" in processes.log_tail("p"), "the process")

    processes.stop("p", grace=0.3)

    assert processes.find("p") is None


def sick_image(images: LocalImages, model: Path, tmp_path: Path) -> Image:
    """Return an image whose model cannot be loaded."""
    shutil.copytree(model.parent, tmp_path / "broken")
    broken = tmp_path / "broken" / model.name
    (broken / "model.skops").write_bytes(b"no model")
    return built(images, version_of(broken, "2"))


def test_staging_says_why_a_service_does_not_get_healthy(
    tmp_path: Path, model: Path, processes: Processes
) -> None:
    images = LocalImages(tmp_path, ROOT, projects(), LocalBundles(tmp_path))
    staging = LocalStaging(
        tmp_path, images, processes, LocalKeys(tmp_path, tmp_path), ready_seconds=PATIENCE
    )

    image = sick_image(images, model, tmp_path)
    with pytest.raises(AttemptError, match="holds no model that can be served"):
        reach(lambda: staging.deploy("r", image))
    assert processes.find("staging-r") is None


def test_staging_deploys_once_and_removes(
    tmp_path: Path, model: Path, processes: Processes
) -> None:
    images = LocalImages(tmp_path, ROOT, projects(), LocalBundles(tmp_path))
    staging = LocalStaging(
        tmp_path, images, processes, LocalKeys(tmp_path, tmp_path), ready_seconds=PATIENCE
    )
    image = built(images, version_of(model))

    deployments = [there(lambda: staging.deploy("r", image)) for _ in range(2)]
    staging.remove("r")
    staging.remove("r")

    assert deployments[0] == deployments[1]
    assert processes.find("staging-r") is None


def test_production_keeps_serving_when_the_next_image_does_not_get_ready(
    tmp_path: Path, model: Path, processes: Processes
) -> None:
    images = LocalImages(tmp_path, ROOT, projects(), LocalBundles(tmp_path))
    production = LocalProduction(
        tmp_path,
        ROOT,
        images,
        processes,
        LocalKeys(tmp_path, tmp_path / "user"),
        ready_seconds=PATIENCE,
    )
    good = built(images, version_of(model))
    assert production.champion("diabetes") is None
    endpoint = there(lambda: production.promote("r1", good, 2)).endpoint

    sick = sick_image(images, model, tmp_path)
    with pytest.raises(AttemptError, match=r"0 of 2 replicas got ready.*holds no model that can"):
        reach(lambda: production.promote("r2", sick, 2))
    assert httpx.get(f"{endpoint}/healthz").json()["image"] == good.digest
    assert production.champion("diabetes") == good
    back = there(lambda: production.roll_back("diabetes", good))

    assert back is not None
    assert back.endpoint == endpoint
    assert production.champion("diabetes") == good
    reach(lambda: production.roll_back("diabetes", None))
    assert production.champion("diabetes") is None
    assert httpx.get(f"{endpoint}/healthz").status_code == 503


def test_production_comes_back_when_its_server_was_killed(
    tmp_path: Path, model: Path, processes: Processes
) -> None:
    images = LocalImages(tmp_path, ROOT, projects(), LocalBundles(tmp_path))
    production = LocalProduction(
        tmp_path,
        ROOT,
        images,
        processes,
        LocalKeys(tmp_path, tmp_path / "user"),
        ready_seconds=PATIENCE,
    )
    good = built(images, version_of(model))
    reach(lambda: production.promote("r1", good, 1))
    import os

    record = processes.find("production-diabetes")
    assert record is not None
    os.killpg(record.pid, signal.SIGKILL)
    until(lambda: processes.find("production-diabetes") is None, "the end of the group")

    assert production.champion("diabetes") == good


@pytest.mark.parametrize("changed", ["model/model.skops", "model/more.py", "schema"])
def test_a_file_of_an_image_that_was_not_judged_is_not_packed(
    tmp_path: Path, model: Path, changed: str
) -> None:
    copied = shutil.copytree(model.parent, tmp_path / "copied", dirs_exist_ok=True)
    schema = copied / "evaluation" / "model_schema.json"
    judged = replace(
        version_of(copied / "model"), schema_digest=hashlib.sha256(schema.read_bytes()).hexdigest()
    )
    images = LocalImages(tmp_path, ROOT, projects(), LocalBundles(tmp_path))
    assert images.build(judged).image is not None

    file = schema if changed == "schema" else copied / changed
    file.write_bytes((file.read_bytes() if file.exists() else b"") + b" ")

    with pytest.raises(PlatformError, match="has changed since it was registered"):
        images.build(judged)
