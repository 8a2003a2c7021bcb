"""The model registry on both platforms: each run is registered once, as it was judged."""

from dataclasses import replace

import pytest

from function_app.domain.people.authorship import Role, make_authors
from function_app.domain.training import ModelVersion
from function_app.errors import MlopsError, NotFoundError, PlatformError
from tests.azure_servers.azure import azure, sdk_warnings
from tests.contracts.job_bench import TOY, Bench, bench, rows, wrote

__all__ = ["azure", "bench", "rows"]
pytestmark = sdk_warnings


def listed(bench: Bench) -> list[ModelVersion]:
    """Return the versions that the registry lists, as they were registered: "2" before "10"."""
    names = [version.version for version in bench.registry.list_versions("diabetes")]
    by_number = sorted(names, key=lambda name: (len(name), name))
    return [bench.registry.get("diabetes", name) for name in by_number]


def test_a_version_keeps_its_authors(bench: Bench) -> None:
    authors = make_authors([(Role.STARTED, "grace"), (Role.WROTE, 'O"Ada ü <x>')])
    run, judged = wrote(bench, "train-diabetes-a")

    made = bench.registry.register(run, judged, authors)
    again = bench.registry.register(run, judged, make_authors([(Role.STARTED, "eve")]))

    assert made.authors == again.authors == authors
    assert bench.registry.get("diabetes", made.version).authors == authors
    assert bench.registry.register(*wrote(bench, "train-diabetes-b")).authors == ()


def test_files_that_are_attached_to_a_version_stay(bench: Bench) -> None:
    made = bench.registry.register(*wrote(bench, "train-diabetes-a"))

    bench.registry.attach(made, {"data-report.html": b"<p>442 rows</p>"})
    bench.registry.attach(made, {"data-report.html": b"<p>other</p>", "data-report.json": b"{}"})

    assert bench.registry.attached(made, "data-report.html") == b"<p>442 rows</p>"
    assert bench.registry.attached(made, "data-report.json") == b"{}"
    assert bench.registry.attached(made, "model.skops") is None
    other = bench.registry.register(*wrote(bench, "train-diabetes-b"))
    assert bench.registry.attached(other, "data-report.html") is None
    assert bench.registry.get("diabetes", made.version) == made


def test_a_model_that_changed_after_it_was_judged_is_not_registered(
    bench: Bench, rows: bytes
) -> None:
    dataset = bench.add(rows)
    run = bench.train("train-diabetes-i", dataset, TOY)
    judged = bench.jobs.judged(bench.evaluate(run, dataset))

    with pytest.raises(PlatformError, match="has changed since it was judged"):
        bench.registry.register(run, replace(judged, digest="0" * 64))
    assert tuple(bench.registry.list_versions("diabetes")) == ()


def test_runs_are_registered_once_and_listed_in_order(bench: Bench, rows: bytes) -> None:
    dataset = bench.add(rows)
    first, second = (
        bench.register(bench.train(f"train-diabetes-{name}", dataset, TOY), dataset)
        for name in ("a", "b")
    )

    again = bench.register(bench.jobs.get("train-diabetes-a"), dataset)

    assert (first.version, second.version) == ("1", "2")
    assert again == first
    assert bench.registry.get("diabetes", "1") == first
    assert listed(bench) == [first, second]
    assert len(first.digest) == 64
    assert first.metrics["mse"] > 0
    assert first.metrics == bench.jobs.judged(first.evaluation_id).metrics
    bench.registry.mark_champion(first)
    bench.registry.mark_champion(second)


def test_a_version_that_was_never_registered_is_not_found(bench: Bench) -> None:
    with pytest.raises(NotFoundError):
        bench.registry.get("diabetes", "7")
    assert tuple(bench.registry.list_versions("diabetes")) == ()


def test_versions_of_other_people_keep_nobody_from_registering(bench: Bench) -> None:
    first = bench.registry.register(*wrote(bench, "train-diabetes-a"))
    foreign = [
        bench.register_foreign(tags)
        for tags in ({}, {"run_id": "somebody"}, {"metric.mse": "much"}, {"code.version": "x"})
    ]

    second = bench.registry.register(*wrote(bench, "train-diabetes-b"))

    assert bench.registry.register(*wrote(bench, "train-diabetes-a")) == first
    versions = {version.version: version for version in listed(bench)}
    assert set(versions) == {first.version, *foreign, second.version}
    assert len(versions) == 6
    assert [versions[version].run_id for version in foreign] == ["", "somebody", "", ""]
    assert {versions[version].digest for version in foreign} == {""}
    bench.registry.mark_champion(second)


def test_a_deleted_version_is_not_found_and_keeps_nobody_from_registering(bench: Bench) -> None:
    bench.registry.register(*wrote(bench, "train-diabetes-a"))
    second = bench.registry.register(*wrote(bench, "train-diabetes-b"))
    bench.delete_version("1")

    third = bench.registry.register(*wrote(bench, "train-diabetes-c"))

    with pytest.raises(NotFoundError):
        bench.registry.get("diabetes", "1")
    assert (second.version, third.version) == ("2", "3")
    assert listed(bench) == [second, third]


def test_a_deleted_folder_of_a_run_is_said_where_its_files_are_asked_for(bench: Bench) -> None:
    run, judged = wrote(bench, "train-diabetes-a")
    bench.overwrite("runs/train-diabetes-a", None)

    with pytest.raises(MlopsError, match="Train again"):
        bench.registry.register(run, judged)
    assert bench.jobs.get("train-diabetes-a").metrics == {}
