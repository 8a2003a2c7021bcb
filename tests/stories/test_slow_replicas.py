"""A machine that is slow for a while neither ends a release nor production."""

import httpx
import pytest

from tests.funchost.conftest import until
from tests.long_stories import long_story
from tests.services import end_production, slow
from tests.stories.conftest import App, make_app
from tests.stories.test_reconcile import compare


@long_story
def test_slow_replicas_delay_a_release_and_production_comes_back_by_itself(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, diabetes: str
) -> None:
    monkeypatch.setenv("MLOPS_READY_SECONDS", "8")
    for app in make_app(tmp_path_factory.mktemp("slow"), monkeypatch):
        _release(app, diabetes)
        endpoint = app.find("release-diabetes-1")
        assert endpoint is not None
        _come_back(app, endpoint["output"]["endpoint"])


def _release(app: App, diabetes: str) -> None:
    app.drop("diabetes/a.csv", diabetes)
    app.at_step("release-diabetes-1", "awaiting approval")
    with slow(app.state) as stopped:
        app.api.decide(app.api.release("release-diabetes-1"), "approve", "ada", "")
        until(lambda: len(stopped) >= 4, "a second attempt with replicas of its own", 200)

    assert app.ended("release-diabetes-1", 200)["output"]["status"] == "promoted"


def _come_back(app: App, endpoint: str) -> None:
    with slow(app.state):
        end_production(app.state)
        found = compare(app, "while production is down")

        assert found["diabetes"]["kind"] == "production not ready"
        assert (
            "Version 1 should be served; 0 of 2 replicas are ready" in found["diabetes"]["detail"]
        )
        assert not found["diabetes"]["repaired"], "people are told"

    until(lambda: httpx.get(f"{endpoint}/healthz").status_code == 200, "production", 200)
    assert compare(app, "when production is back") == {}
