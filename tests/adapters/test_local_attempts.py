"""A failure on this machine ends one attempt, never a release or production for good."""

import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from function_app.adapters.local.bundles import LocalBundles
from function_app.adapters.local.images.images import LocalImages
from function_app.adapters.local.keys import LocalKeys
from function_app.adapters.local.production.production import LocalProduction
from function_app.adapters.local.reach.processes import Processes
from function_app.adapters.local.staging import LocalStaging
from function_app.domain.release.serving import Image
from function_app.errors import AttemptError
from tests.adapters.test_local import ROOT, built, model, projects, reach, there, version_of
from tests.funchost.conftest import until
from tests.patience import PATIENCE
from tests.services import end_production, services, slow

__all__ = ["model"]
# Each test starts services more than once, also on a machine that is busy with other things.
HASTY = 1.5  # seconds that a replica may take to get ready


@dataclass
class Machine:
    """A state folder with an image, and the processes that serve it."""

    state: Path
    images: LocalImages
    processes: Processes
    image: Image

    @property
    def keys(self) -> LocalKeys:
        return LocalKeys(self.state, self.state / "user")

    def production(self, ready_seconds: float = PATIENCE) -> LocalProduction:
        return LocalProduction(
            self.state, ROOT, self.images, self.processes, self.keys, ready_seconds=ready_seconds
        )

    def staging(self, ready_seconds: float = PATIENCE) -> LocalStaging:
        return LocalStaging(
            self.state, self.images, self.processes, self.keys, ready_seconds=ready_seconds
        )


@pytest.fixture
def machine(tmp_path: Path, model: Path) -> Iterator[Machine]:
    images = LocalImages(tmp_path, ROOT, projects(), LocalBundles(tmp_path))
    processes = Processes(tmp_path / "processes")
    yield Machine(tmp_path, images, processes, built(images, version_of(model)))
    for path in (tmp_path / "processes").glob("*.lock"):
        processes.stop(path.stem)


def failure(ask: Callable[[], object]) -> str:
    """Ask until the attempt fails; return why."""
    reasons: list[str] = []

    def has_failed() -> bool:
        try:
            ask()
        except AttemptError as error:
            reasons.append(error.message)
        return bool(reasons)

    until(has_failed, "the end of the attempt", 300)
    return reasons[0]


def test_replicas_that_were_slow_are_started_anew_by_the_next_request(machine: Machine) -> None:
    hasty = machine.production(HASTY)
    with slow(machine.state) as first:
        reason = failure(lambda: hasty.promote("r", machine.image, 2))
        second = failure(lambda: hasty.promote("r", machine.image, 2))
        assert len(first) >= 4, "the second attempt started replicas of its own"
    assert "0 of 2 replicas got ready" in reason
    assert f"within {HASTY} s (MLOPS_READY_SECONDS)" in reason
    assert f"within {2 * HASTY:g} s" in second, "a machine that stays slow gets more time"
    machine.processes.stop("production-diabetes")

    deployment = there(lambda: machine.production().promote("r", machine.image, 2))

    assert httpx.get(f"{deployment.endpoint}/healthz").json()["image"] == machine.image.digest


def test_a_poll_of_an_attempt_starts_no_other(machine: Machine) -> None:
    impatient = LocalProduction(
        machine.state,
        ROOT,
        machine.images,
        machine.processes,
        machine.keys,
        ready_seconds=PATIENCE,
        patience=0.0,
    )
    with slow(machine.state) as started:
        for _ in range(5):
            assert not impatient.promote("r", machine.image, 1).done
        until(lambda: bool(started), "the replica", 60)
        assert not impatient.promote("r", machine.image, 1).done
        assert len(started) == 1

    there(lambda: machine.production().promote("r", machine.image, 1))
    assert len(services(machine.state)) == 1


def test_production_that_was_slow_after_a_restart_comes_back_by_itself(machine: Machine) -> None:
    deployment = there(lambda: machine.production().promote("r", machine.image, 2))
    end_production(machine.state)
    restarted = machine.production(HASTY)
    with slow(machine.state):
        restarted.restore()

        def is_down() -> bool:
            serving = restarted.serving("diabetes")
            return serving is not None and "0 of 2 replicas got ready" in serving.detail

        until(is_down, "the reason why it is down", 60)
        serving = restarted.serving("diabetes")
        assert serving is not None
        assert (serving.replicas, serving.ready) == (2, 0)
        assert restarted.champion("diabetes") == machine.image, "it has the traffic"
        refusal = httpx.get(f"{deployment.endpoint}/healthz")
        assert refusal.status_code == 503
        assert "0 of 2 replicas" in refusal.json()["error"]["message"]

    restarted.repair("diabetes")

    def is_up() -> bool:
        serving = restarted.serving("diabetes")
        return serving is not None and serving.ready == 2

    until(is_up, "production", 300)
    assert httpx.get(f"{deployment.endpoint}/healthz").status_code == 200


def test_a_challenger_that_failed_gets_no_traffic_after_a_restart(
    machine: Machine, model: Path
) -> None:
    champion, challenger = machine.image, built(machine.images, version_of(model, "2"))
    there(lambda: machine.production().promote("r1", champion, 1))
    machine.processes.stop("production-diabetes")
    hasty = machine.production(HASTY)
    with slow(machine.state):
        failure(lambda: hasty.promote("r2", challenger, 1))
    end_production(machine.state)

    again = machine.production()
    again.restore()

    def is_ready() -> bool:
        serving = again.serving("diabetes")
        return serving is not None and serving.ready == 1

    until(is_ready, "production", 300)
    assert again.champion("diabetes") == champion


def wait_until_it_serves(production: LocalProduction) -> None:
    def is_up() -> bool:
        serving = production.serving("diabetes")
        return serving is not None and serving.ready == serving.replicas > 0

    until(is_up, "production", 300)


def server(state: Path) -> int:
    """Return the process of production's server, without its replicas."""
    path = str(state / "production/diabetes/desired.json").encode()
    (found,) = (
        int(entry.name)
        for entry in Path("/proc").glob("[0-9]*")
        if path in words(entry) and words(entry)[0] == sys.executable.encode()
    )
    return found


def words(process: Path) -> list[bytes]:
    try:
        return (process / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return []


def test_production_comes_back_when_only_its_server_was_killed(machine: Machine) -> None:
    production = machine.production()
    there(lambda: production.promote("r", machine.image, 2))
    before = services(machine.state)

    os.kill(server(machine.state), signal.SIGKILL)

    wait_until_it_serves(production)
    assert not before & services(machine.state), "no replica outlives the restart"


@pytest.mark.parametrize("content", ["", '{"im', "[]", None])
def test_a_lost_record_of_what_shall_be_served_ends_no_service(
    machine: Machine, content: str | None
) -> None:
    production = machine.production()
    endpoint = there(lambda: production.promote("r", machine.image, 1)).endpoint
    before = services(machine.state)
    record = machine.state / "production/diabetes/desired.json"
    good = record.read_text()

    record.unlink() if content is None else record.write_text(content)

    until(lambda: record.exists() and record.read_text() == good, "the record", 60)
    assert httpx.get(f"{endpoint}/healthz").status_code == 200
    assert services(machine.state) == before
    end_production(machine.state)
    record.unlink() if content is None else record.write_text(content)
    assert machine.production().restore() == [f"diabetes 1 at {endpoint}"]


def test_an_image_folder_that_was_deleted_is_unpacked_again(machine: Machine) -> None:
    production = machine.production()
    there(lambda: production.promote("r", machine.image, 1))
    end_production(machine.state)
    for folder in (machine.state / "unpacked").glob("*/app/model"):
        shutil.rmtree(folder.parent)
    production.restore()

    def says_why() -> bool:
        serving = production.serving("diabetes")
        return serving is not None and "could not be started" in serving.detail

    until(says_why, "the reason", 60)
    production.repair("diabetes")

    wait_until_it_serves(production)


def test_a_service_in_staging_that_was_slow_is_started_anew(machine: Machine) -> None:
    hasty = machine.staging(HASTY)
    with slow(machine.state) as started:
        reason = failure(lambda: hasty.deploy("r", machine.image))
        second = failure(lambda: hasty.deploy("r", machine.image))
        assert len(started) >= 2
    assert f"within {HASTY} s (MLOPS_READY_SECONDS)" in reason
    assert f"within {2 * HASTY:g} s" in second, "a machine that stays slow gets more time"

    deployment = there(lambda: machine.staging().deploy("r", machine.image))

    assert httpx.get(f"{deployment.endpoint}/healthz").json()["image"] == machine.image.digest
    machine.staging().remove("r")


def test_a_repeated_request_does_not_restart_a_service_in_staging(machine: Machine) -> None:
    there(lambda: machine.staging().deploy("r", machine.image))
    before = services(machine.state)

    reach(lambda: machine.staging().deploy("r", machine.image))

    assert services(machine.state) == before
