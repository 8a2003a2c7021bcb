"""Per model one training and one rollout at a time; the newer challenger wins."""

import json

from tests.long_stories import long_story
from tests.stories.conftest import App


@long_story
def test_a_newer_challenger_supersedes_the_one_that_waits(fresh_app: App, diabetes: str) -> None:
    app, row = fresh_app, diabetes.splitlines()[1] + "\n"
    app.drop("held/1.csv", diabetes)
    assert app.ended(app.claimed("held/1.csv"))["output"]["version"] == "1"
    app.at_step("release-held-1", "awaiting approval")
    waiting = app.api.get("/api/releases/release-held-1")

    app.hold("train")
    trainings = []
    for name, step in (("2", "training"), ("3", "waiting for its turn")):
        app.drop(f"held/{name}.csv", diabetes + row * int(name))
        trainings.append(app.claimed(f"held/{name}.csv"))
        app.at_step(trainings[-1], step)
    app.let_go()
    ended = [app.ended(training)["output"] for training in trainings]

    assert sorted(output["version"] for output in ended) == ["2", "3"]
    trails = [[s["step"] for s in app.find(t)["step"]["trail"]] for t in trainings]  # type: ignore[index]
    assert ["waiting for its turn" in trail for trail in trails].count(True) == 1
    assert app.ended("release-held-1")["output"]["status"] == "superseded"
    assert app.ended("release-held-2")["output"]["status"] == "superseded"
    ada = {"Authorization": f"Bearer {app.api.token('ada')}"}
    body = {k: waiting[k] for k in ("image_digest", "evidence_hash")}
    path = "/api/releases/release-held-1/approve"
    late = app.ask("POST", path, json=body, headers=ada)
    assert (late.status_code, late.json()["error"]["code"]) == (409, "RELEASE_NOT_WAITING")

    app.at_step("release-held-3", "awaiting approval")
    app.api.decide(app.api.release("release-held-3"), "approve", "ada", "the newest")
    assert app.ended("release-held-3")["output"]["status"] == "promoted"


@long_story
def test_a_burst_of_files_is_two_trainings_the_first_and_the_newest(
    fresh_app: App, diabetes: str
) -> None:
    app, row = fresh_app, diabetes.splitlines()[1] + "\n"
    names = [f"held/{number}.csv" for number in range(4)]

    app.hold("train")
    for number, name in enumerate(names):
        app.drop(name, diabetes + row * number)
        app.at_step(app.claimed(name), "waiting for its turn" if number else "training")
    app.let_go()
    outputs = [app.ended(app.claimed(name))["output"] for name in names]

    outcomes = [output["outcome"] for output in outputs]
    assert outcomes.count("registered") == 2
    assert outcomes.count("superseded") == 2
    assert outcomes[0] == "registered"
    assert [_is_woken(app, name) for name in names] == [False, True, True, True]
    runs = [run.name for run in (app.state / "runs").iterdir() if run.is_dir()]
    assert len([run for run in runs if run.startswith("train-") and "-vs-" not in run]) == 2


def _is_woken(app: App, name: str) -> bool:
    """Tell whether the story of a file got the event that its turn in the lane has come."""
    host = json.loads((app.state / "funchost" / "host.json").read_text())
    path = f"/runtime/webhooks/durabletask/instances/{app.claimed(name)}"
    answer = app.ask("GET", path, params={"code": host["systemKey"], "showHistory": "true"})
    return "Lane-train-held" in [event.get("Name") for event in answer.json()["historyEvents"]]
