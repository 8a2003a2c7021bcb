"""The contract of images, staging and production on every platform."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from function_app.domain.release.serving import STAGING_LIFE, Environment, Rollout
from function_app.errors import NotFoundError
from tests.azure_servers.azure import NOW, azure
from tests.contracts.benches import Bench, azure_bench, local_bench, train

__all__ = ["azure"]
RELEASE = "release-diabetes-1"


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(tmp_path_factory.mktemp("model"))


@pytest.fixture(params=["local", "azure"])
def bench(request: pytest.FixtureRequest, tmp_path: Path, model: Path) -> Iterator[Bench]:
    if request.param == "azure":
        yield azure_bench(request.getfixturevalue("azure"), model)
        return
    with local_bench(tmp_path, model) as made:
        yield made


def test_a_version_has_one_image_with_one_digest(bench: Bench) -> None:
    first, second, other = bench.image("1"), bench.image("1"), bench.image("2")

    assert first == second
    assert first.digest.startswith("sha256:")
    assert len(first.digest) == 71
    assert first.digest in first.uri
    assert first.digest != other.digest


def test_a_model_that_mlops_toml_does_not_name_has_no_image(bench: Bench) -> None:
    with pytest.raises(NotFoundError, match=r"mlops\.toml"):
        bench.images.build(replace(bench.version("1"), model="other"))


def test_a_release_is_deployed_to_staging_once_and_removed_once(bench: Bench) -> None:
    image = bench.image("1")

    first = bench.reach(lambda: bench.staging.deploy(RELEASE, image))
    second = bench.reach(lambda: bench.staging.deploy(RELEASE, image))
    listed = bench.staging.list_releases()
    bench.staging.remove(RELEASE)
    bench.settle()
    bench.staging.remove(RELEASE)

    assert first == second
    assert first.deployment is not None
    assert first.deployment.environment is Environment.STAGING
    assert first.deployment.image == image
    assert first.deployment.endpoint.startswith(("http://127.0.0.1:", "https://"))
    assert listed == (RELEASE,)
    assert bench.staging.list_releases() == ()


def test_another_image_of_a_release_takes_the_place_of_the_first(bench: Bench) -> None:
    first, second = bench.image("1"), bench.image("2")
    bench.reach(lambda: bench.staging.deploy(RELEASE, first))

    rollout = bench.reach(lambda: bench.staging.deploy(RELEASE, second))

    assert rollout.deployment is not None
    assert rollout.deployment.image == second
    assert bench.staging.list_releases() == (RELEASE,)


def test_a_deployment_expires_by_the_time_of_its_making_whatever_became_of_it(
    bench: Bench,
) -> None:
    image, end = bench.image("1"), NOW + STAGING_LIFE
    bench.reach(lambda: bench.staging.deploy(RELEASE, image))
    bench.reach(lambda: bench.staging.deploy(RELEASE, image))

    before = bench.staging.expired(end - timedelta(seconds=1))
    then = bench.staging.expired(end)
    bench.staging.remove(RELEASE)
    bench.settle()

    assert (before, then) == ((), (RELEASE,))
    assert bench.staging.expired(end) == ()


def test_the_champion_is_what_was_promoted_last_and_what_was_rolled_back_to(
    bench: Bench,
) -> None:
    production, first, second = bench.production, bench.image("1"), bench.image("2")
    before = production.champion("diabetes"), production.endpoint("diabetes")

    promoted = bench.reach(lambda: production.promote(RELEASE, first, 1))
    again = bench.reach(lambda: production.promote(RELEASE, first, 1))
    bench.reach(lambda: production.promote("release-diabetes-2", second, 1))
    newest = production.champion("diabetes")
    back = bench.reach(lambda: production.roll_back("diabetes", first))

    assert before == (None, None)
    assert promoted == again
    assert promoted.deployment is not None
    assert promoted.deployment.environment is Environment.PRODUCTION
    assert newest == second
    assert back.deployment is not None
    assert back.deployment.image == production.champion("diabetes") == first
    assert production.endpoint("diabetes") == promoted.deployment.endpoint


def test_a_roll_back_to_nothing_leaves_no_champion_also_when_there_was_none(
    bench: Bench,
) -> None:
    image = bench.image("1")
    nothing = bench.reach(lambda: bench.production.roll_back("diabetes", None))
    bench.reach(lambda: bench.production.promote(RELEASE, image, 1))

    ended = bench.reach(lambda: bench.production.roll_back("diabetes", None))

    assert (nothing, ended) == (Rollout(), Rollout())
    assert bench.production.champion("diabetes") is None
    assert bench.production.endpoint("diabetes") is None
