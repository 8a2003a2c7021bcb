import sqlite3

import httpx

from function_app.adapters.local.keys import LocalKeys
from function_app.adapters.scoring_service.scoring_keys import PROBE_KEY
from tests.services import slow
from tests.stories.conftest import App


def test_a_release_survives_kill_9_in_training_in_waiting_and_in_promotion(
    fresh_app: App, diabetes: str
) -> None:
    app = fresh_app
    app.hold("train")
    app.drop("held/data.csv", diabetes)
    training = app.claimed("held/data.csv")
    app.at_step(training, "training")
    app.kill()
    app.start()
    app.let_go()
    assert app.ended(training)["output"]["outcome"] == "registered"

    app.at_step("release-held-1", "awaiting approval")
    app.kill()
    app.start()
    with slow(app.state):
        app.api.decide(app.api.release("release-held-1"), "approve", "ada", "fine")
        app.at_step("release-held-1", "promoting")
        app.kill()
    app.start()
    result = app.ended("release-held-1")["output"]

    assert result["status"] == "promoted"
    secret = LocalKeys(app.state, app.state).production_secret("held")
    url = f"{result['endpoint']}/-/champion"
    answer = httpx.get(url, headers={PROBE_KEY: secret}).json()
    assert answer["image"]["digest"] == result["image_digest"]
    # The platforms' own records: one version, and one change of the desired state of production.
    with sqlite3.connect(app.state / "mlflow.db") as registry:
        assert registry.execute("SELECT count(*) FROM model_versions").fetchone() == (1,)
    registry.close()
    assert answer["wish"] == 1
