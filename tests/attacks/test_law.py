"""Attacks on production itself, with the system key of the Durable management API."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from function_app.activities import releases
from function_app.adapters.azure.ledger import AzureLedger
from function_app.adapters.azure.rows import AzureRows
from function_app.adapters.local.ledger import LocalLedger
from function_app.adapters.local.rows import LocalRows
from function_app.domain.reconciliation import FindingKind
from function_app.domain.release import ReleaseStatus
from function_app.errors import NotAuthorisedError
from tests.activities.law_bench import Bench, image, release
from tests.attacks.attack import attack
from tests.attacks.targets import (
    MODEL,
    CloudTarget,
    LocalTarget,
    Target,
    ask,
    error_of,
    keys,
    logged,
)
from tests.azure_servers.azure import running
from tests.azure_servers.azurite import Azurite
from tests.azure_servers.identity import IdentityServer
from tests.azure_servers.storage import account, connection
from tests.azure_servers.tls import Tls
from tests.funchost.conftest import until

__all__ = ["account", "connection"]
EVIL = "sha256:" + "e" * 64
FIRST, SECOND = f"release-{MODEL}-1", f"release-{MODEL}-1-try2"
ADA = {"approvers": ["mallory"], "max_p95_ms": 1e9, "smoke_tolerance": 1e9, "replicas": 9}


class Scene:
    """An app with one release, and an attacker who has the system key."""

    def __init__(self, target: LocalTarget | CloudTarget, data: str) -> None:
        self.target: LocalTarget | CloudTarget = target
        if isinstance(target, CloudTarget):
            target.cloud.upload(f"{MODEL}/a.csv", data.encode())
        else:
            file = target.state / "inbox" / "data" / MODEL / "a.csv"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(data)
        self.at_step(FIRST, "awaiting approval")

    def manage(self, path: str, content: Any = None, **query: str) -> httpx.Response:
        """Send a request to the Durable management API with the stolen system key."""
        url = f"{self.target.host.url}/runtime/webhooks/durabletask/{path}"
        code = {"code": keys(self.target)["system"], **query}
        return httpx.post(url, params=code, json=content)

    def start(self, story: str, instance_id: str, content: Any) -> dict[str, Any]:
        """Start a story with this input and return its state once it has ended."""
        answer = self.manage(f"orchestrators/{story}/{instance_id}", content)
        assert answer.status_code == 202, answer.text
        return self.ended(instance_id)

    def find(self, instance_id: str) -> dict[str, Any]:
        return self.target.api.find(f"/api/status/{instance_id}") or {}

    def ended(self, instance_id: str) -> dict[str, Any]:
        until(lambda: self.find(instance_id).get("ended"), f"{instance_id} to end", 300)
        return self.find(instance_id)

    def at_step(self, instance_id: str, step: str) -> None:
        def look() -> bool:
            found = self.find(instance_id)
            assert not found.get("ended"), (found["outcome"], found["reasons"])
            return (found.get("step") or {}).get("step") == step

        until(look, f"{instance_id} to be at {step}", 300)

    def served(self) -> str | None:
        """Return the digest that production serves, read back from production."""
        view = self.target.api.get(f"/api/models/{MODEL}")
        assert view["error"] is None
        digest: str | None = view["image_digest"]
        return digest

    def release(self, release_id: str) -> dict[str, Any]:
        shown: dict[str, Any] = self.target.api.get(f"/api/releases/{release_id}")
        return shown

    def decide(self, release_id: str, person: str = "ada") -> httpx.Response:
        shown = self.release(release_id)
        body = {name: shown[name] for name in ("image_digest", "evidence_hash")}
        path, token = f"/api/releases/{release_id}/approve", self.target.token(person)
        return ask(self.target, "POST", path, token=token, json=body)

    def change_schema(self, suffix: bytes) -> None:
        """Change the file beside the model folder that the image would have too."""
        if isinstance(self.target, CloudTarget):
            blobs = self.target.cloud.azure.blobs.containers["versions"]
            (name,) = [n for n in blobs if n.endswith("/evaluation/model_schema.json")]
            self.target.cloud.azure.wrote(name, blobs[name].rstrip() + suffix)
            return
        models = self.target.state / "models"
        (path,) = models.glob(f"{MODEL}/*/evaluation/model_schema.json")
        path.write_bytes(path.read_bytes().rstrip() + suffix)


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
    tls: Tls = request.getfixturevalue("tls")
    azurite: Azurite = request.getfixturevalue("azurite")
    request.getfixturevalue("identity")
    with (
        pytest.MonkeyPatch.context() as patch,
        running(tls, folder) as azure,
        IdentityServer(tls) as entra,
    ):
        # Azure ML's SDK sets this in the test process; the app is another process.
        patch.delenv("AZUREML_CURRENT_CLOUD", raising=False)
        cloud = CloudTarget(folder, azure, entra, azurite.account().tables_endpoint)
        yield Scene(cloud, data)
        cloud.close()


def refused(scene: Scene, view: dict[str, Any], served: str | None, reason: str) -> None:
    """Assert that a story changed nothing and that the app's log says why."""
    assert view["status"] == "Failed", view
    assert scene.served() == served
    assert logged(scene.target, reason)


@attack(
    point=1,
    does="raises the decision's event of a waiting release with the system key",
    answer="the release waits on; production serves nothing",
    log="none: the story reads the ledger and finds no decision",
    before="refused",
)
def test_a_raised_event_decides_nothing(scene: Scene) -> None:
    for number in range(3):
        event = f"instances/{FIRST}/raiseEvent/Decision-{FIRST}-{number}"
        assert scene.manage(event, {"verdict": "approve", "decided_by": "ada"}).status_code == 202

    assert scene.release(FIRST)["status"] == "awaiting_approval"
    assert scene.served() is None


@attack(
    point=1,
    does="starts a release under a foreign id, with approvers of the attacker's own",
    answer="the release fails with OTHER_RELEASE before anything is built",
    log="host: OTHER_RELEASE",
    before="refused",
)
def test_a_release_of_another_version_s_id_goes_nowhere(scene: Scene) -> None:
    release = {"release_id": "release-x-9", "model": MODEL, "version": "1", "policy": ADA}

    view = scene.start("release_model", "release-x-9", release)

    refused(scene, view, None, "OTHER_RELEASE")


@attack(
    point=1,
    does="terminates a waiting release and starts its id again with approvers of its own",
    answer="the release waits again; the policy of mlops.toml says who approves",
    log="audit: refusal, approve, NOT_AN_APPROVER",
    before="succeeded",
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
    before="refused",
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


@pytest.fixture(params=["local", "azure"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Bench:
    """The stored records of a platform and the activities over them, without a host."""
    if request.param == "azure":
        connected = request.getfixturevalue("connection")
        return Bench(AzureLedger(connected), AzureRows(connected))
    return Bench(LocalLedger(tmp_path / "ledger.db"), LocalRows(tmp_path / "ledger.db"))


@attack(
    point=2,
    does="lets image A be approved, and lets the same release build image B",
    answer="the release waits for a decision about B; promote_challenger refuses A and B",
    log="promote_challenger refused, NOT_AUTHORISED",
    before="succeeded",
)
def test_an_approval_promotes_no_image_but_the_one_it_names(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.approve("1")
    other = replace(image("1"), digest=EVIL)
    waiting = bench.ask("1", other)

    assert releases.settle_approval(bench.ports, release("1")).decision is None
    assert waiting.status is ReleaseStatus.AWAITING_APPROVAL
    for built in (image("1"), other):
        with pytest.raises(NotAuthorisedError):
            bench.promote("1", built)
    assert bench.production.calls == []
    assert "promote_challenger refused, NOT_AUTHORISED" in caplog.text


@attack(
    point=1,
    does="stops a release between its approval and its promotion, and lets it go on after a newer "
    "version was promoted",
    answer="promote_challenger refuses; production serves the newer version",
    log="promote_challenger refused, NOT_AUTHORISED",
    before="succeeded",
)
def test_an_old_approval_downgrades_nothing(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.approve("1")
    bench.pass_time(minutes=1)
    bench.bring_up("2")

    with pytest.raises(NotAuthorisedError):
        bench.promote("1")
    assert bench.production.served == image("2")
    assert "promote_challenger refused, NOT_AUTHORISED" in caplog.text


@attack(
    point=1,
    does="promotes an approved digest from a registry of the attacker's own",
    answer="the image comes from the app's own store",
    log="none: the address of the input is not read",
    before="succeeded",
)
def test_an_approved_digest_comes_from_the_app_s_own_store(bench: Bench) -> None:
    bench.approve("1")
    bench.promote("1", image("1", uri=f"evil.example/x@{EVIL}"))

    assert bench.production.served == image("1")


@pytest.mark.parametrize("waits", [False, True])
@attack(
    point=1,
    does="puts another image into production out of band, also while a release waits",
    answer="the next comparison reports it; no replica of it is started",
    log="finding: production changed out of band",
    before="succeeded",
)
def test_a_champion_that_no_decision_explains_is_reported(bench: Bench, waits: bool) -> None:
    bench.bring_up("1")
    if waits:
        bench.ask("2")
    bench.production.served, bench.production.ready = image("1", digest=EVIL), 0

    assert FindingKind.FOREIGN_CHAMPION in [finding.kind for finding in bench.findings()]
    assert bench.production.repaired == 0


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
)
def test_an_ended_release_is_not_promoted_again(scene: Scene, champion: str) -> None:
    release = {"release_id": SECOND, "model": MODEL, "version": "1", "policy": ADA}
    calls = len(scene.release(SECOND)["reasons"])
    assert scene.manage(f"instances/{SECOND}/rewind", reason="x").status_code in (404, 409, 410)
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
    before="refused",
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
