"""Record the golden histories again: `python -m tests.replay.record` (about a minute).

This is only for a story that got a new name or a new ending. When a history no longer replays,
running instances would break; `docs/how-to/change-a-story.md` has the remedy.
"""

import json
import os
import shutil
import tempfile
from pathlib import Path

import pytest

from funchost.commands import export
from mlopsctl.reach.client import ApiError
from tests.adapters.git.repositories import Repository, make_repository
from tests.funchost.conftest import until
from tests.stories import conftest as stories
from tests.stories.conftest import ROOT, App, make_app

HISTORIES = Path(__file__).parent / "histories"


def main() -> None:
    """Let every story come to every end that one machine can bring about."""
    from sklearn.datasets import load_diabetes

    frame = load_diabetes(as_frame=True).frame.rename(columns={"target": "Y"})
    data = str(frame.to_csv(index=False))
    os.environ["MLOPS_ENGINE"] = ""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as environ:
        repository = make_repository(Path(folder) / "served")
        for package in ("training", "scoring"):
            shutil.copytree(ROOT / package, repository.work / package)
        code = f'\n[models.diabetes.code]\nrepository = "{repository.bare}"\n'
        environ.setattr(stories, "PROJECTS", stories.PROJECTS + code)
        for app in make_app(Path(folder), environ):
            _play(app, data)
            _play_code(app, repository)
            _play_rounds(app)
        for path in HISTORIES.glob("*.json"):
            path.unlink()
        for document in export(app.state / "funchost", None):
            _keep(document, {str(app.state): "/state", str(ROOT): "/app", folder: "/tmp/recorded"})


def _play(app: App, data: str) -> None:
    row = data.splitlines()[1] + "\n"
    app.drop("eager/1.csv", data)
    app.ended(app.claimed("eager/1.csv"))
    app.at_step("release-eager-1", "awaiting approval")
    app.api.decide(app.api.release("release-eager-1"), "approve", "ada", "")
    app.ended("release-eager-1")
    app.drop("eager/2.csv", data + row)
    app.ended(app.claimed("eager/2.csv"))
    app.at_step("release-eager-2", "awaiting approval")
    app.drop("eager/3.csv", data + row + row)
    app.ended("release-eager-2")
    app.at_step("release-eager-3", "awaiting approval")
    app.api.decide(app.api.release("release-eager-3"), "approve", "ada", "")
    app.ended("release-eager-3")
    again = app.api.post("/api/models/eager/versions/1/reproduction")["instance_id"]
    app.ended(again)
    app.drop("diabetes/bad.csv", "a,b\n1,2\n")
    app.ended(app.claimed("diabetes/bad.csv"))
    app.drop("diabetes/1.csv", data)
    app.ended(app.claimed("diabetes/1.csv"))
    app.at_step("release-diabetes-1", "awaiting approval")
    app.api.decide(app.api.release("release-diabetes-1"), "reject", "ada", "not now")
    app.ended("release-diabetes-1")
    app.drop("crashing/1.csv", data)
    app.ended(app.claimed("crashing/1.csv"))
    app.drop("slow/1.csv", data)
    app.ended(app.claimed("slow/1.csv"))
    row = data.splitlines()[2] + "\n"
    app.drop("slow/2.csv", data + row)
    cancelled = app.claimed("slow/2.csv")
    app.at_step(cancelled, "training")
    app.api.cancel(cancelled, "ada", "too slow")
    app.ended(cancelled)
    app.drop("eager/4.csv", data + row * 3)
    app.ended(app.claimed("eager/4.csv"))
    app.at_step("release-eager-4", "awaiting approval")
    _change_production(app, "release-eager-4")
    app.api.cancel("release-eager-4", "ada", "not now")
    app.ended("release-eager-4")
    app.drop("sick/1.csv", data)
    app.ended(app.claimed("sick/1.csv"))
    app.ended("release-sick-1")


def _change_production(app: App, waiting: str) -> None:
    """Roll back while a release waits, so that it judges its version again and asks again."""
    app.ended(app.api.roll_back("eager", "ada")["instance_id"])
    before = app.api.release(waiting)
    with pytest.raises(ApiError, match="judges its version again"):
        app.api.decide(before, "approve", "ada", "")

    def asks_again() -> bool:
        now = app.api.release(waiting)
        is_new = now["evidence_hash"] != before["evidence_hash"]
        return is_new and bool(now["status"] == "awaiting_approval")

    until(asks_again, "the new evidence", 120)
    app.at_step(waiting, "awaiting approval")


def _play_code(app: App, repository: Repository) -> None:
    good = "def test_nothing():\n    pass\n"
    repository.write("ruff.toml", 'lint.select = ["E9"]\n')
    for test in (good, good.replace("pass", "assert False")):
        repository.write("tests/test_it.py", test)
        commit = repository.commit("recorded")
        app.ended(app.claimed_by("CodePushed", commit), 120)
    event = {
        "specversion": "1.0",
        "id": "proposal",
        "source": "recorder",
        "type": "Mlops.CodeProposed",
        "data": {
            "repository": str(repository.bare),
            "ref": "main",
            "commit": commit,
            "number": "1",
        },
    }
    proposed = app.api.post("/api/events", event)["receipts"][0]
    app.ended(proposed["instance_id"], 120)


def _play_rounds(app: App) -> None:
    event = {
        "specversion": "1.0",
        "id": "deployed",
        "source": "recorder",
        "type": "Microsoft.MachineLearningServices.ModelDeployed",
        "data": {"ServiceName": "by-hand", "ModelIds": "diabetes:1"},
    }
    app.ended(app.api.post("/api/events", event)["receipts"][0]["instance_id"])
    app.ended(app.api.post("/api/models/diabetes/drift")["instance_id"])


def _keep(document: dict[str, object], places: dict[str, str]) -> None:
    if document["runtimeStatus"] != "Completed":
        print(f"left out: {document['instanceId']} {document['output']}"[:1000])
        return
    output = json.loads(str(document["output"]))
    end = output.get("outcome") or output.get("status") or document["runtimeStatus"]
    text = json.dumps(document, indent=1, ensure_ascii=False)
    for place, name in places.items():
        text = text.replace(place, name)
    if not isinstance(end, str) or " " in end:
        end = document["runtimeStatus"]
    name = f"{document['name']}-{str(end).lower()}"
    if output.get("reasons") and "training" not in name and end in ("rejected", "failed"):
        name += "-" + str(document["instanceId"]).split("-")[1]
    (HISTORIES / f"{name}.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
