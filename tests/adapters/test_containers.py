"""Staging in a real container: needs an engine and a base image (`make base-image`)."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from function_app.adapters.local.bundles import LocalBundles
from function_app.adapters.local.images.images import LocalImages
from function_app.adapters.local.keys import LocalKeys
from function_app.adapters.local.reach.containers import (
    Containers,
    address_in_container,
    find_engine,
)
from function_app.adapters.local.reach.processes import Processes
from function_app.adapters.local.staging import LocalStaging
from function_app.domain.release.serving import Image
from function_app.errors import PlatformError
from function_app.settings.settings import BASE_IMAGE
from tests.adapters.test_local import ROOT, built, model, projects, sick_image, there, version_of
from tests.collector import collector
from tests.funchost.conftest import until
from tests.patience import PATIENCE

__all__ = ["model"]


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="module")
def engine() -> list[str]:
    found = find_engine(os.environ.get("MLOPS_ENGINE"), BASE_IMAGE)
    if found is None:
        pytest.skip("No container engine runs a base image here: try `make base-image`.")
    return found


@pytest.fixture(scope="module")
def containers(engine: list[str], state: Path) -> Containers:
    made = Containers(engine, BASE_IMAGE, state)
    if made.base_id() is None:
        pytest.skip("This machine has no base image: run `make base-image`.")
    return made


@pytest.fixture(scope="module")
def images(state: Path, containers: Containers) -> LocalImages:
    return LocalImages(state, ROOT, projects(), LocalBundles(state), containers)


@pytest.fixture
def staging(state: Path, images: LocalImages, containers: Containers) -> Iterator[LocalStaging]:
    made = LocalStaging(
        state,
        images,
        Processes(state / "processes"),
        LocalKeys(state, state),
        containers,
        ready_seconds=PATIENCE,
    )
    yield made
    made.remove("r")


@pytest.fixture(scope="module")
def image(images: LocalImages, model: Path) -> Image:
    return built(images, version_of(model))


def test_an_image_on_a_base_has_one_digest_and_can_run_without_the_engine(
    images: LocalImages, image: Image, model: Path
) -> None:
    assert built(images, version_of(model)) == image
    assert images.has_base(image)
    assert {path.name for path in images.unpack(image).iterdir()} == {"scoring", "model"}


def test_a_container_serves_the_image_without_rights(
    staging: LocalStaging,
    containers: Containers,
    engine: list[str],
    image: Image,
    model: Path,
    state: Path,
) -> None:
    golden = json.loads((model.parent / "evaluation" / "golden.json").read_text())

    deployment = there(lambda: staging.deploy("r", image))
    again = there(lambda: staging.deploy("r", image))

    assert deployment == again
    assert deployment.runtime == f"container ({Path(engine[0]).name})"
    ask, secret = {"data": golden["data"]}, LocalKeys(state, state).staging_secret("r")
    assert httpx.post(f"{deployment.endpoint}/score", json=ask).status_code == 401
    answered = httpx.post(f"{deployment.endpoint}/score", json=ask, headers={"X-Probe-Key": secret})
    answer = answered.json()
    assert answer["result"] == pytest.approx(golden["result"])
    name = containers._name("staging-r")
    inside = [*engine, "exec", name, "sh", "-c", "id -u; touch /app/x || echo refused"]
    said = subprocess.run(inside, capture_output=True, text=True, check=False).stdout.split()
    assert said == ["65534", "refused"]
    staging.remove("r")
    staging.remove("r")
    assert containers.find("staging-r") is None


def test_a_container_sends_its_spans_to_the_collector_of_this_machine(
    staging: LocalStaging,
    image: Image,
    model: Path,
    state: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    golden = json.loads((model.parent / "evaluation" / "golden.json").read_text())
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    with collector("0.0.0.0") as sink:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", sink.url)
        endpoint = there(lambda: staging.deploy("r", image)).endpoint
        httpx.post(
            f"{endpoint}/score",
            json={"data": golden["data"]},
            headers={
                "traceparent": f"00-{trace}-00f067aa0ba902b7-01",
                "X-Probe-Key": LocalKeys(state, state).staging_secret("r"),
            },
        )

        until(lambda: sink.spans, "the span")

    [span] = sink.spans
    assert (span.service, span.name, span.trace_id) == ("scoring", "POST /score", trace)


@pytest.mark.parametrize(
    ("address", "inside"),
    [
        ("http://127.0.0.1:4318", "http://host.containers.internal:4318"),
        ("http://localhost:4318/otlp", "http://host.containers.internal:4318/otlp"),
        ("https://[::1]", "https://host.containers.internal"),
        ("http://collector:4318", "http://collector:4318"),
    ],
)
def test_this_machine_has_another_name_in_a_container(address: str, inside: str) -> None:
    assert address_in_container(address) == inside


def test_a_container_that_died_is_started_again(
    staging: LocalStaging, containers: Containers, engine: list[str], image: Image
) -> None:
    there(lambda: staging.deploy("r", image))
    subprocess.run([*engine, "kill", containers._name("staging-r")], check=True)

    endpoint = there(lambda: staging.deploy("r", image)).endpoint

    assert httpx.get(f"{endpoint}/healthz").json()["image"] == image.digest


def test_a_container_that_does_not_get_healthy_says_why_and_is_gone(
    staging: LocalStaging,
    images: LocalImages,
    containers: Containers,
    model: Path,
    tmp_path: Path,
) -> None:
    sick = sick_image(images, model, tmp_path)

    with pytest.raises(PlatformError, match="holds no model that can be served"):
        there(lambda: staging.deploy("r", sick))

    assert containers.find("staging-r") is None


def test_an_engine_that_cannot_take_the_image_says_so(state: Path, image: Image) -> None:
    refusing = Containers(["false"], BASE_IMAGE, state)

    with pytest.raises(PlatformError, match="load the image"):
        refusing.start("x", image.digest, {"a": b"b" * 1_000_000}, "{}")


def test_an_empty_setting_means_no_engine() -> None:
    assert find_engine("", BASE_IMAGE) is None
    assert find_engine("podman --runtime runc", BASE_IMAGE) == ["podman", "--runtime", "runc"]


def test_an_installed_engine_without_a_base_image_does_not_count() -> None:
    assert find_engine(None, "localhost/no-such-image:latest") is None
