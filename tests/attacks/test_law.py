"""Attacks on production itself, with the system key of the Durable management API."""

from collections.abc import Iterator
from typing import Any

import pytest

from function_app.names import cancel_event, decision_event
from tests.attacks.attack import SAME, attack
from tests.attacks.law_scene import ADA, FIRST, SECOND, Scene, refused
from tests.attacks.targets import (
    MODEL,
    CloudTarget,
    LocalTarget,
    Target,
    ask,
    cloud_app,
    error_of,
)
from tests.azure_servers.azurite import Azurite
from tests.azure_servers.tls import Tls
from tests.funchost.conftest import until

EVIL = "sha256:" + "e" * 64


@pytest.fixture(scope="module", params=["local", "azure"])
def scene(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Scene]:
    """An app of these tests' own, whose first release waits for approval."""
    from sklearn.datasets import load_diabetes

    frame = load_diabetes(as_frame=True).frame.rename(columns={"target": "Y"})
    data, folder = str(frame.to_csv(index=False)), tmp_path_factory.mktemp("law")
    if request.param == "local":
        local = LocalTarget(folder)
        yield Scene(local, data)
        local.close()
        return
    request.getfixturevalue("identity")
    tls: Tls = request.getfixturevalue("tls")
    azurite: Azurite = request.getfixturevalue("azurite")
    with cloud_app(folder, tls, azurite) as cloud:
        yield Scene(cloud, data)


@attack(
    point=1,
    does="raises the events of a decision and of a cancellation of a waiting release with the "
    "system key",
    answer="the story reads the ledger and waits on; production serves nothing",
    log="none: the ledger has neither a decision nor a cancellation",
    before="refused",
    azure=SAME,
    by="trial",
)
def test_a_raised_event_decides_and_cancels_nothing(scene: Scene) -> None:
    # In this order: the event of a cancellation is heard with the next event that ends the wait.
    for event in (cancel_event(FIRST), decision_event(FIRST)):
        forged = {"verdict": "approve", "decided_by": "ada", "by": "ada", "comment": "forged"}
        answer = scene.manage(f"instances/{FIRST}/raiseEvent/{event}", forged)
        assert answer.status_code == 202

    until(lambda: scene.calls("settle_approval", FIRST) > 1, "the story to read the ledger", 300)
    assert scene.calls("settle_cancellation", FIRST) > 0
    assert scene.release(FIRST)["status"] == "awaiting_approval"
    assert not scene.find(FIRST)["ended"]
    assert scene.served() is None


@attack(
    point=1,
    does="starts a release under a foreign id, with approvers of the attacker's own",
    answer="the release fails with OTHER_RELEASE before anything is built",
    log="host: OTHER_RELEASE",
    before="succeeded",
    azure=SAME,
    by="trial",
)
def test_a_release_of_another_version_s_id_goes_nowhere(scene: Scene) -> None:
    release = {"release_id": "release-x-9", "model": MODEL, "version": "1", "policy": ADA}

    view = scene.start("release_model", "release-x-9", release)

    refused(scene, view, None, "OTHER_RELEASE")


@attack(
    point=1,
    does="terminates a waiting release and starts its id again with approvers of its own",
    answer="the release waits again; the policy of mlops.toml names the approvers",
    log="audit: refusal, approve, NOT_AN_APPROVER",
    before="succeeded",
    azure=SAME,
    by="trial",
)
def test_a_restarted_release_waits_for_the_approvers_of_mlops_toml(scene: Scene) -> None:
    assert scene.manage(f"instances/{FIRST}/terminate").status_code == 202
    scene.ended(FIRST)
    release = {"release_id": FIRST, "model": MODEL, "version": "1", "policy": ADA}
    assert scene.manage(f"orchestrators/release_model/{FIRST}", release).status_code == 202
    scene.at_step(FIRST, "awaiting approval")

    assert scene.release(FIRST)["approvers"] == ["ada", "grace"]
    assert scene.served() is None


@attack(
    point=2,
    does="ends the story of an approved release, changes a file beside the model folder and starts "
    "the same id",
    answer="the build is refused; nothing is promoted",
    log="host: model_schema.json ... registered. Train again.",
    before="succeeded",
    azure=SAME,
    by="trial",
)
def test_a_file_that_was_not_judged_is_not_released(scene: Scene) -> None:
    assert scene.manage(f"instances/{FIRST}/terminate").status_code == 202
    scene.ended(FIRST)
    assert scene.decide(FIRST).status_code == 202
    scene.change_schema(b"\n \n")
    if isinstance(scene.target, CloudTarget):
        # Else the image of the first build is found, whose digest was approved.
        notes = scene.target.cloud.azure.blobs.containers["versions"]
        for name in [name for name in notes if name.startswith(f"images/{MODEL}/")]:
            del notes[name]
    release = {"release_id": FIRST, "model": MODEL, "version": "1", "policy": ADA}

    scene.start("release_model", FIRST, release)

    shown = scene.release(FIRST)
    assert shown["status"] == "failed"
    assert "model_schema.json" in " ".join(shown["reasons"])
    assert scene.served() is None


@pytest.fixture(scope="module")
def champion(scene: Scene) -> str:
    """The digest that production serves after an honest approval."""
    scene.change_schema(b"\n")
    if not scene.find(SECOND):
        answer = ask(scene.target, "POST", f"/api/stories/{FIRST}/retry")
        assert answer.status_code == 202, answer.text
    scene.at_step(SECOND, "awaiting approval")
    assert scene.decide(SECOND).status_code == 202
    promoted = scene.ended(SECOND)
    assert promoted["outcome"] == "promoted", promoted
    served = scene.served()
    assert served == scene.release(SECOND)["image_digest"]
    assert served is not None
    return served


def forged(digest: str) -> dict[str, Any]:
    return {"model": MODEL, "version": "1", "digest": digest, "uri": f"evil.example/x@{digest}"}


@pytest.mark.parametrize(
    "content",
    [
        pytest.param({"former": forged(EVIL)}, id="an image"),
        pytest.param({}, id="nothing"),
        pytest.param({"by": "ada", "comment": "urgent"}, id="a person"),
        pytest.param({"order": "roll-back-diabetes-1-to-nothing-2"}, id="an invented order"),
        pytest.param(
            {
                "restores": {
                    "release_id": SECOND,
                    "model": MODEL,
                    "version": "1",
                    "policy": {"approvers": ["ada"]},
                }
            },
            id="a release to undo",
        ),
    ],
)
@attack(
    point=1,
    does="starts roll_back with the system key: with any image, with the model alone, with a "
    "person's name, an invented order or a release to undo",
    answer="the story fails with NOT_AUTHORISED; production serves the champion",
    log="roll_back_production refused, NOT_AUTHORISED",
    before="succeeded",
    azure=SAME,
    by="trial",
)
def test_a_started_roll_back_changes_nothing(
    scene: Scene, champion: str, content: dict[str, Any], request: pytest.FixtureRequest
) -> None:
    name = "evil-" + request.node.callspec.id.replace(" ", "-")

    view = scene.start("roll_back", name, {"model": MODEL, **content})

    refused(scene, view, champion, "roll_back_production refused, NOT_AUTHORISED")


@attack(
    point=1,
    does="starts, restarts and rewinds the story of a promoted release",
    answer="the story fails; the ledger keeps `promoted` and production its champion",
    log="host: is promoted and cannot become in_progress",
    before="refused",
    azure=SAME,
    by="trial",
)
def test_an_ended_release_is_not_promoted_again(scene: Scene, champion: str) -> None:
    release = {"release_id": SECOND, "model": MODEL, "version": "1", "policy": ADA}
    calls = len(scene.release(SECOND)["reasons"])
    assert scene.manage(f"instances/{SECOND}/rewind", reason="x").status_code == 412
    scene.start("release_model", SECOND, release)
    assert scene.manage(
        f"instances/{SECOND}/restart", restartWithNewInstanceId="false"
    ).status_code in (202, 409)
    scene.ended(SECOND)

    shown = scene.release(SECOND)
    assert (shown["status"], len(shown["reasons"])) == ("promoted", calls)
    assert scene.served() == champion


@attack(
    point=1,
    does="orders production down without a person's token, or as somebody whom mlops.toml does "
    "not name",
    answer="401 UNAUTHENTICATED; 403 NOT_AN_OPERATOR",
    log="audit: refusal, shut down, UNAUTHENTICATED and NOT_AN_OPERATOR",
    before="absent",
    azure=SAME,
    by="trial",
)
def test_production_is_taken_down_only_by_an_operator(scene: Scene, champion: str) -> None:
    path, target = f"/api/models/{MODEL}/shutdown", scene.target
    assert error_of(ask(target, "POST", path)) == (401, "UNAUTHENTICATED")
    if isinstance(target, CloudTarget):
        stranger = target.token("mallory")
        assert error_of(ask(target, "POST", path, token=stranger)) == (403, "NOT_AN_OPERATOR")

    assert scene.served() == champion


def test_an_ordered_shutdown_takes_production_down(scene: Scene, champion: str) -> None:
    target: Target = scene.target
    path, token = f"/api/models/{MODEL}/shutdown", target.token("ada")

    answer = ask(target, "POST", path, token=token, json={"comment": "for the test"})

    assert answer.status_code == 202, answer.text
    ended = scene.ended(answer.json()["instance_id"])
    assert ended["output"]["restored"] is True
    assert scene.served() is None
    shown = scene.release(SECOND)
    assert (shown["status"], shown["rolled_back_by"]) == ("rolled_back", "ada")
    assert shown["reasons"] == ["ada took it down: for the test"]
    again = ask(target, "POST", path, token=token)
    assert error_of(again) == (409, "NOT_SERVED")
