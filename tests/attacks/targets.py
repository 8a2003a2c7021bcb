"""The running apps that the attacks are tried against: one on each platform, both with `--auth`."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import httpx
import pytest

from function_app.adapters.azure.rows import AzureRows
from function_app.adapters.local.reach.processes import Processes
from function_app.adapters.local.rows import LocalRows
from function_app.domain.release.approval import Evidence
from function_app.domain.release.release import Release, ReleasePolicy, ReleaseRecord, ReleaseStatus
from function_app.domain.release.serving import Image
from function_app.ports import Ledger, Rows
from function_app.records.ledger.ledger import StoredLedger
from mlopsctl.reach.client import Api
from mlopsctl.reach.local_host import ensure_platform
from tests.azure_servers.azure import Azure, running
from tests.azure_servers.azurite import Azurite
from tests.azure_servers.identity import IdentityServer
from tests.azure_servers.tls import Tls
from tests.funchost.conftest import Host
from tests.made_once import prepared
from tests.stories.cloud import CloudApp
from tests.stories.conftest import DIABETES, ROOT

ROLE = "Model.Approver"
MODEL = "diabetes"
PEOPLE = ("ada", "grace")
SECRET = "the secret of a build server"
SOURCES = ("BUILD_SERVER", "GITHUB", "AZURE_DEVOPS")
WEBHOOKS = {f"MLOPS_WEBHOOK_SECRET_{source}": SECRET for source in SOURCES}
# A refused activity is tried three times; the pauses between its attempts are no attack.
QUICK = {"FUNCHOST_ACTIVITY_RETRY_SCALE": "0.01"}
DIGEST = "sha256:" + "a" * 64


class Target(Protocol):
    """A running app, as its attackers and its people use it."""

    platform: str
    host: Host
    api: Api
    ledger: Ledger
    rows: Rows

    def token(self, person: str) -> str:
        """Return the token of an approver."""


class LocalTarget:
    """The app on the local platform."""

    platform = "local"

    def __init__(self, folder: Path) -> None:
        """Start the app with its state below the folder, and wait until its platform stands."""
        projects, self.state = folder / "mlops.toml", folder / "state"
        # A loaded machine answers slowly, which is no attack.
        projects.write_text(DIABETES.replace("max_p95_ms = 500.0", "max_p95_ms = 60000.0"))
        baseline = self.state / "datasets" / MODEL / "baseline.csv"
        baseline.parent.mkdir(parents=True)
        shutil.copy(prepared() / "mlflow.db", self.state)
        shutil.copy(prepared() / "datasets" / MODEL / "baseline.csv", baseline)
        self.host = Host(
            self.state / "funchost",
            ROOT,
            "--auth",
            MLOPS_PLATFORM="local",
            MLOPS_STATE=str(self.state),
            MLOPS_PROJECTS=str(projects),
            MLOPS_ENGINE="",
            **WEBHOOKS,
            **QUICK,
        )
        self.host.start()
        self.api = Api(self.host.url, self.state, keys(self)["master"])
        ensure_platform(self.api)
        self.rows: Rows = LocalRows(self.state / "ledger.db")
        self.ledger: Ledger = StoredLedger(self.rows)

    def token(self, person: str) -> str:
        return self.api.token(person)

    def close(self) -> None:
        self.api.close()
        self.host.stop()
        # Production and staging outlive the host, as they should; the tests no longer need them.
        processes = Processes(self.state / "processes")
        for path in (self.state / "processes").glob("*.lock"):
            processes.stop(path.stem)


class CloudTarget:
    """The same app with the Azure adapters, on this repository's Azure servers."""

    platform = "azure"

    def __init__(self, folder: Path, azure: Azure, entra: IdentityServer, tables: str) -> None:
        """Start the app with its state below the folder, and wait until its platform stands."""
        azure.blobs.containers |= {"data": {}, "predictions": {}}
        self.cloud = CloudApp(folder, azure, entra, tables, "--auth", **WEBHOOKS, **QUICK)
        self.host, self.api = self.cloud.host, self.cloud.api
        ensure_platform(self.api)
        connection = azure.with_settings(tables_endpoint=tables).connection()
        self.rows: Rows = AzureRows(connection)
        self.ledger: Ledger = StoredLedger(self.rows)

    def token(self, person: str) -> str:
        return self.cloud.token(person, ROLE)

    def close(self) -> None:
        self.cloud.close()


@contextmanager
def cloud_app(folder: Path, tls: Tls, azurite: Azurite) -> Iterator[CloudTarget]:
    """Run the app with the Azure adapters on servers of its own, until the block ends."""
    with (
        pytest.MonkeyPatch.context() as patch,
        running(tls, folder) as azure,
        IdentityServer(tls) as entra,
    ):
        # Azure ML's SDK sets this in the test process; the app is another process.
        patch.delenv("AZUREML_CURRENT_CLOUD", raising=False)
        target = CloudTarget(folder, azure, entra, azurite.account().tables_endpoint)
        yield target
        target.close()


def keys(target: Target) -> dict[str, Any]:
    """Return the keys of the target's host: `master`, `host`, `system`, `functions`, ..."""
    return dict(json.loads((target.host.state / "keys.json").read_text()))


def ask(
    target: Target, method: str, path: str, *, key: str | None = None, token: str = "", **more: Any
) -> httpx.Response:
    """Send a request; without a key named, with the host key, as a console of operators does."""
    headers: dict[str, str] = dict(more.pop("headers", {}))
    code = keys(target)["host"] if key is None else key
    if code:
        headers["x-functions-key"] = code
    if token:
        headers["Authorization"] = f"Bearer {token}"
    return httpx.request(method, target.host.url + path, headers=headers, **more)


def error_of(answer: httpx.Response) -> tuple[int, str]:
    """Return the status and the error's code, "" when the answer carries none."""
    try:
        return answer.status_code, str(answer.json()["error"]["code"])
    except (ValueError, KeyError, TypeError):
        return answer.status_code, ""


def logged(target: Target, text: str) -> bool:
    """Tell whether the host's log has the text."""
    return text in (target.host.state / "host.log").read_text(errors="replace")


def waiting(target: Target, version: str, digest: str = DIGEST) -> ReleaseRecord:
    """Store a release that waits for approval, of which no story runs."""
    release = Release(
        release_id=f"release-{MODEL}-{version}",
        model=MODEL,
        version=version,
        policy=ReleasePolicy(approvers=PEOPLE),
    )
    reasons = ("It is better.",)
    evidence = Evidence(release_id=release.release_id, image_digest=digest, reasons=reasons)
    record = ReleaseRecord(
        release=release,
        status=ReleaseStatus.AWAITING_APPROVAL,
        # The reconciler ends a release without a story, unless it changed a moment ago.
        updated_at=datetime.now(UTC),
        image=Image(model=MODEL, version=version, digest=digest, uri=""),
        evidence_hash=evidence.digest,
        evidence=reasons,
        reasons=reasons,
    )
    target.ledger.save_release(record)
    return record


def named_by(record: ReleaseRecord) -> dict[str, Any]:
    """Return the fields that a decision over the release must name."""
    assert record.image is not None
    return {"image_digest": record.image.digest, "evidence_hash": record.evidence_hash}
