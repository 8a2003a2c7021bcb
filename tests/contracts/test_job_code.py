"""Versions of training code on both platforms: published once, with all of their authors."""

from dataclasses import replace

import pytest

from function_app.domain.people.authorship import Role, make_authors
from function_app.errors import NotFoundError
from tests.azure_servers.azure import ROOT, azure, sdk_warnings
from tests.contracts.job_bench import Bench, bench, code_archive, rows

__all__ = ["azure", "bench", "rows"]
pytestmark = sdk_warnings


def test_a_published_version_is_found_and_trains(bench: Bench, rows: bytes) -> None:
    changed = (
        (ROOT / "training" / "train.py").read_bytes().replace(b'"alpha": 0.4', b'"alpha": 0.5')
    )
    bundle = bench.keep(code_archive(train=changed))
    version = bench.jobs.publish("diabetes", bundle)

    assert bench.jobs.publish("diabetes", bundle) == version
    assert bench.jobs.code("diabetes") == version
    assert bench.jobs.code("diabetes", version.version) == version
    bench.submit("train-diabetes-e", bench.add(rows), version)
    bench.finish("train-diabetes-e")
    run = bench.jobs.get("train-diabetes-e")
    assert run.code == version
    assert run.metrics["alpha"] == 0.5


def test_everybody_who_published_the_same_files_is_their_author(bench: Bench) -> None:
    ada, grace = (make_authors([(Role.PUSHED, name)]) for name in ("ada-gh", "grace-gh"))
    bundle = bench.keep(code_archive())
    first = bench.jobs.publish("diabetes", replace(bundle, authors=ada))
    second = bench.jobs.publish("diabetes", replace(bundle, authors=grace))

    assert (first.authors, second.authors) == (ada, (*ada, *grace))
    assert bench.jobs.code("diabetes") == bench.jobs.code("diabetes", first.version) == second


def test_code_that_was_never_published_is_not_found(bench: Bench) -> None:
    assert bench.jobs.code("diabetes") is None
    with pytest.raises(NotFoundError):
        bench.jobs.code("diabetes", "f" * 64)
