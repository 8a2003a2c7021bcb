"""The whole app on the local host with the Azure adapters: only settings differ from Azure.

The services are the servers of tests/azure_servers and Azurite. Real processes do the requested
work (tests/azure_servers/passing_time.py).
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from mlopsctl.reach.local_host import ensure_platform
from tests.azure_servers.azure import VERSIONS, Azure, azure, sdk_warnings
from tests.azure_servers.azurite import Account
from tests.azure_servers.identity import IdentityServer
from tests.azure_servers.storage import account, azurite, identity, tls
from tests.azure_servers.tls import Tls
from tests.funchost.conftest import until
from tests.long_stories import is_long, long_story
from tests.stories.cloud import CloudApp
from tests.stories.traffic import Traffic

__all__ = ["account", "azure", "azurite", "identity", "tls"]


@pytest.fixture
def app(
    azure: Azure, account: Account, tls: Tls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[CloudApp]:
    # Azure ML's SDK leaves this in the process that made a client; the app is another process.
    monkeypatch.delenv("AZUREML_CURRENT_CLOUD", raising=False)
    azure.blobs.containers |= {"data": {}, "predictions": {}}
    with IdentityServer(tls) as entra:
        made = CloudApp(tmp_path, azure, entra, account.tables_endpoint)
        yield made
        made.close()


@sdk_warnings
def test_an_upload_is_trained_released_approved_and_promoted(
    app: CloudApp, diabetes: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ensure_platform(app.api)
    receipt = app.upload("diabetes/a.csv", diabetes.encode())
    assert receipt["outcome"] == "started"
    trained = app.ended(receipt["instance_id"])["output"]
    assert (trained["outcome"], trained["version"]) == ("registered", "1"), trained

    # The release that Azure ML's own event started waits for a person of the tenant with the role.
    release = "release-diabetes-1"
    app.at_step(release, "awaiting approval")
    assert app.azure.aci.groups.keys() == {"staging-diabetes-1"}
    refused = app.decide("approve", release, app.token("ada"))
    stranger = app.decide("approve", release, app.token("mallory", "Model.Approver"))
    assert _code(refused) == (401, "UNAUTHENTICATED")
    assert _code(stranger) == (403, "NOT_AN_APPROVER")
    # As the command line does, whose person's token is in its environment.
    monkeypatch.setenv("MLOPS_URL", app.host.url)
    monkeypatch.setenv("MLOPS_TOKEN", app.token("ada", "Model.Approver"))
    app.api.decide(app.api.release(release), "approve", "ada", "seen")

    promoted = app.ended(release)["output"]
    assert promoted["status"] == "promoted", promoted
    assert promoted["image_digest"] == app.azure.acr.manifests["diabetes:1"]

    _check_cluster(app, promoted)
    told = [r.json["title"] for r in app.receiver.requests]
    assert told == ["diabetes 1 waits for approval", "diabetes 1: promoted"]
    assert app.tell_of_upload("diabetes/a.csv")["outcome"] == "repeated"
    if is_long():
        _check_drift(app, promoted["endpoint"], diabetes)


@long_story
@sdk_warnings
def test_a_version_is_trained_again_in_azure_ml_to_the_same_bytes(
    app: CloudApp, diabetes: str
) -> None:
    ensure_platform(app.api)
    trained = app.ended(app.upload("diabetes/a.csv", diabetes.encode())["instance_id"])["output"]
    assert (trained["outcome"], trained["version"]) == ("registered", "1"), trained

    def reproduced() -> dict[str, Any]:
        asked = app.api.post("/api/models/diabetes/versions/1/reproduction")
        output: dict[str, Any] = app.ended(asked["instance_id"])["output"]
        return output

    same = reproduced()
    chain = app.api.get("/api/models/diabetes/versions/1/lineage")["links"]
    digests = {link["link"]: link["digest"] for link in chain}
    assert (same["outcome"], same["digest"]) == ("same", digests["model"]), same
    assert f"/jobs/{same['run_id']}" in app.azure.ml.resources
    registered = [n for n in app.azure.ml.resources if "/models/diabetes/versions/" in n]
    assert len(registered) == 1, "a reproduction registers nothing"

    versions = app.azure.blobs.containers[VERSIONS]
    for name in [name for name in versions if name.startswith("datasets/")]:
        del versions[name]
    gone = reproduced()
    assert gone["outcome"] == "impossible", gone
    assert any("is gone" in reason for reason in gone["reasons"]), gone


def _check_drift(app: CloudApp, endpoint: str, diabetes: str) -> None:
    """Check that the replicas' log arrives through the storage, and drift starts one training."""
    # Without newer data than the champion's, drift causes no training.
    newer = "".join(diabetes.splitlines(keepends=True)[:-20])
    app.ended(app.upload("diabetes/b.csv", newer.encode())["instance_id"])
    Traffic(diabetes, endpoint, _caller(app)).send(2.0)
    alarms: list[dict[str, Any]] = []

    def is_alarmed() -> bool:
        # The app looks by itself, too, and may raise the alarm between two of these looks.
        story = app.api.post("/api/models/diabetes/drift")["instance_id"]
        app.ended(story)
        alarms[:] = app.api.get("/api/models/diabetes/drift")["alarms"]
        return bool(alarms)

    until(is_alarmed, "drift in the replicas' logs", 300)
    assert any("bmi" in cause for cause in alarms[0]["causes"]), alarms
    started: list[str] = []

    def is_claimed() -> bool:
        claims = app.api.get("/api/status")["claims"]
        started.extend(c["owner"] for c in claims if c["type"] == "Mlops.DriftDetected")
        return bool(started)

    until(is_claimed, "the event of the drift")
    ended = app.ended(started[0])["output"]
    assert ended["outcome"] == "rejected", "the same data teaches nothing new"


def _code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def _check_cluster(app: CloudApp, promoted: dict[str, Any]) -> None:
    """Check that the cluster serves the run's model, and that staging is removed."""
    champion = app.azure.production().champion("diabetes")
    assert champion is not None
    assert champion.digest == promoted["image_digest"]
    version = app.azure.registry().get("diabetes", champion.version)
    name = f"runs/{version.evaluation_id}/evaluation/golden.json"
    golden = json.loads(app.azure.written(name))
    url, ask = f"{promoted['endpoint']}/score", {"data": golden["data"]}
    assert httpx.post(url, json=ask).status_code == 401, "without a key"
    served = httpx.post(url, json=ask, headers=_caller(app)).json()
    assert served["result"] == pytest.approx(golden["result"], abs=1e-9)
    until(lambda: not app.azure.aci.groups, "staging to be gone")


def _caller(app: CloudApp) -> dict[str, str]:
    """Return the header of a caller with the right to read the key in the vault."""
    key = app.azure.vault.secrets["scoring-diabetes-primary"][-1]
    return {"Authorization": f"Bearer {key}"}
