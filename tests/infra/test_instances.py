"""The instances of the app in Azure are limited, because each has budgets of its own."""

import json
import re

import pytest

from tests.infra.conftest import ROOT

SIZES = json.loads((ROOT / "infra" / "sizes.json").read_text())
SNAPSHOTS = sorted((ROOT / "infra" / "snapshots").glob("*.json"))


@pytest.mark.parametrize("size", sorted(SIZES))
def test_the_page_says_how_often_a_caller_may_get_a_budget(size: str) -> None:
    page = (ROOT / "docs" / "explanation" / "security.md").read_text(encoding="utf-8")

    said = re.search(rf"(\d+) \({size}\)", page)

    assert said is not None
    assert int(said[1]) == SIZES[size]["maximumInstances"]


def test_every_deployment_limits_the_instances_of_the_app() -> None:
    limits = [
        int(count)
        for path in SNAPSHOTS
        for count in re.findall(r'"maximumInstanceCount": (\d+)', path.read_text())
    ]
    apps = [path for path in SNAPSHOTS if '"functionAppConfig": {' in path.read_text()]

    assert len(limits) == len(apps) > 0
    assert set(limits) == {size["maximumInstances"] for size in SIZES.values()}
