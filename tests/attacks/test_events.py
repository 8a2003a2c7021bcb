"""Attacks by events: claims that are not true, hooks of other sources, replays."""

import asyncio
import json
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from function_app.adapters.git.sources import GitSources
from function_app.adapters.local.datasets import LocalDatasets
from function_app.adapters.local.events import LocalEvents
from function_app.domain.inbox import Outcome
from function_app.domain.project import CodeRules
from function_app.domain.release import ReleaseStatus
from function_app.domain.signatures import sign
from function_app.domain.training import RunStatus
from function_app.domain.webhook_sources import WebhookSource
from function_app.errors import ContractError, MlopsError, RefusedError
from function_app.git_settings import GitSettings
from function_app.ports import Ports
from function_app.triggers.desk import Answer, Request
from function_app.triggers.webhooks import post_webhook
from tests.adapters.git.repositories import Repository, make_repository
from tests.attacks.attack import attack
from tests.attacks.targets import MODEL, SECRET, Target, ask, error_of, logged, waiting
from tests.triggers.office import PROJECTS, Office

ML, STORAGE = "Microsoft.MachineLearningServices", "Microsoft.Storage"
DIGEST = "sha256:" + "f" * 64


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


def event(kind: str, data: dict[str, Any], subject: str = "s", event_id: str = "1") -> Any:
    """Return an event in Event Grid's schema."""
    return {"id": event_id, "topic": "t", "subject": subject, "eventType": kind, "data": data}


def blob(path: str, url: str = "file:///nowhere.csv", **data: Any) -> Any:
    """Return an event about a file of the container data."""
    content = {"api": "PutBlob", "url": url, "eTag": "0x8D", **data}
    subject = f"/blobServices/default/containers/data/blobs/{path}"
    return event(f"{STORAGE}.BlobCreated", content, subject)


def registered(version: str) -> Any:
    data = {"modelName": MODEL, "modelVersion": version, "modelTags": {"run_id": "train-x"}}
    return event(f"{ML}.ModelRegistered", data)


def stories_of(target: Target) -> set[str]:
    return {story["instance_id"] for story in target.api.get("/api/status")["stories"]}


@attack(
    point=7,
    does="announces a model version that the registry does not have",
    answer="404 UNKNOWN_VERSION; the waiting release is not superseded, no story starts",
    log="refused: UNKNOWN_VERSION",
    before="succeeded",
)
def test_a_forged_version_supersedes_nothing(target: Target) -> None:
    record = waiting(target, "71")

    answer = ask(target, "POST", "/api/events", json=registered("777"))

    assert error_of(answer) == (404, "UNKNOWN_VERSION")
    stored = target.ledger.get_release(record.release.release_id)
    assert stored is not None
    assert stored.status is ReleaseStatus.AWAITING_APPROVAL
    assert target.ledger.get_release("release-diabetes-777") is None
    assert "release-diabetes-777" not in stories_of(target)
    assert logged(target, "UNKNOWN_VERSION")


@attack(
    point=7,
    does="sends events about a run, an image, a file, code or drift that do not exist",
    answer="404 with the code of what is unknown; no story starts or wakes",
    log="refused: UNKNOWN_...",
    before="succeeded",
)
@pytest.mark.parametrize(
    ("claim", "code"),
    [
        (
            event(f"{ML}.RunCompleted", {"runId": "train-no", "runTags": {"instance_id": "x"}}),
            "UNKNOWN_RUN",
        ),
        (
            event(f"{ML}.RunStatusChanged", {"runId": "train-no", "runStatus": "Failed"}),
            "UNKNOWN_RUN",
        ),
        (
            event(
                "Microsoft.ContainerRegistry.ImagePushed",
                {"target": {"repository": MODEL, "tag": "9", "digest": DIGEST}},
            ),
            "UNKNOWN_IMAGE",
        ),
        (
            event("Mlops.DriftDetected", {"model": MODEL, "reportId": "r-0", "reason": "x"}),
            "UNKNOWN_REPORT",
        ),
        (
            event(f"{ML}.DatasetDriftDetected", {"datadriftname": MODEL, "runId": "drift-no"}),
            "UNKNOWN_REPORT",
        ),
        (
            event(
                "Mlops.TrainingRequested",
                {"model": MODEL, "requestId": "1", "codeVersion": "0" * 64},
            ),
            "UNKNOWN_CODE",
        ),
        (blob("diabetes/never-sent.csv"), "UNKNOWN_FILE"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_claim_about_nothing_starts_nothing(target: Target, claim: Any, code: str) -> None:
    before = stories_of(target)

    answer = ask(target, "POST", "/api/events", json=claim)

    assert error_of(answer) == (404, code)
    assert stories_of(target) - before == set()
    assert logged(target, code)


@attack(
    point=7,
    does="announces a version that was put into the registry past this app",
    answer="refused, FOREIGN_VERSION; no story starts",
    log="refused: FOREIGN_VERSION",
    before="succeeded",
)
def test_a_foreign_version_is_not_released(office: Office) -> None:
    office.registry.add(MODEL, "2", digest="")

    [receipt] = office.take(registered("2"))

    assert (receipt.outcome, receipt.code) == ("refused", "FOREIGN_VERSION")
    assert office.stories.started == []


@attack(
    point=7,
    does="announces versions while the registry is unreachable",
    answer="202 accepted; the event waits, and is refused or taken once the registry answers",
    log="event ... waits: PLATFORM",
    before="succeeded",
)
def test_an_event_waits_for_a_registry_that_is_away(office: Office) -> None:
    office.registry.add(MODEL, "3")
    office.registry.away = True
    receipts = office.take(registered("3"), registered("777"))
    assert [(r.outcome, r.code) for r in receipts] == [("accepted", "PLATFORM")] * 2
    office.clock.moment += timedelta(minutes=1)
    assert office.sweep() == 0
    assert office.stories.started == []

    office.registry.away = False

    assert office.sweep() == 2
    assert office.stories.started == ["release-diabetes-3"]
    [dead] = office.inbox.list_events(Outcome.REFUSED)
    assert dead.code == "UNKNOWN_VERSION"


@attack(
    point=7,
    does="names another story in the tags of a run that ended, or a run that still runs",
    answer="the platform's tags count; an unfinished run wakes nothing",
    log="none: the event is answered with its reason",
    before="succeeded",
)
def test_a_run_wakes_only_the_story_that_the_platform_names(office: Office) -> None:
    tags = {"instance_id": "release-diabetes-1"}
    ended = event(f"{ML}.RunCompleted", {"runId": "known", "runTags": tags})
    office.take(ended)
    assert office.stories.woken == [("train-x", "RunCompleted-known")]

    office.jobs.status = RunStatus.RUNNING
    [receipt] = office.take({**ended, "id": "2"})

    assert receipt.outcome == "ignored"
    assert len(office.stories.woken) == 1


@attack(
    point=7,
    does="reports drift of an unserved model from a source that may report drift",
    answer="refused, UNKNOWN_REPORT; without drift in its `types`, OUT_OF_SCOPE",
    log="refused: UNKNOWN_REPORT",
    before="succeeded",
)
def test_drift_is_reported_by_named_monitors_of_served_models_only(office: Office) -> None:
    drift = event("Mlops.DriftDetected", {"model": MODEL, "reportId": "r", "reason": "x"})
    types = ("Mlops.DriftDetected",)
    sources = {"monitor": WebhookSource(types=types), "builds": WebhookSource()}
    office.desk = replace(office.desk, sources=sources)

    [unnamed] = office.take(drift, channel="builds")
    [unserved] = office.take({**drift, "id": "2"}, channel="monitor")
    office.production.models.add(MODEL)
    [served] = office.take({**drift, "id": "3"}, channel="monitor")

    assert [r.code for r in (unnamed, unserved, served)] == ["OUT_OF_SCOPE", "UNKNOWN_REPORT", None]
    assert served.outcome == "started"


class Inbox:
    """A desk over a real inbox folder of this machine."""

    def __init__(self, folder: Path) -> None:
        self.office, self.state = Office(folder), folder / "state"
        datasets = LocalDatasets(self.state, folder, LocalEvents("", ""))
        ports = replace(self.office.ports, datasets=datasets)
        self.office.desk = replace(self.office.desk, ports=cast(Ports, ports))

    def put(self, name: str, content: str = "a,Y\n1,2\n") -> Path:
        path = self.state / "inbox" / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        return path


@attack(
    point=7,
    does="announces a file under one model's path with the address of another model's file",
    answer="the address is the platform's own for this path",
    log="none: the claim is replaced by what is true",
    before="succeeded",
)
def test_the_address_of_a_file_is_the_platform_s(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path)
    own, other = inbox.put("diabetes/a.csv"), inbox.put("wine/b.csv", "secret")

    inbox.office.take(blob("diabetes/a.csv", other.as_uri()))

    [argument] = inbox.office.stories.arguments
    assert argument["data_uri"] == own.as_uri()


@attack(
    point=7,
    does="announces a path with `..` that leads from a model's folder into another",
    answer="refused, BAD_NAME",
    log="refused: BAD_NAME",
    before="succeeded",
)
def test_a_path_that_climbs_is_no_file(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path)
    inbox.put("diabetes/a.csv")
    inbox.put("wine/b.csv")

    [receipt] = inbox.office.take(blob("diabetes/../wine/b.csv"))

    assert (receipt.outcome, receipt.code) == ("refused", "BAD_NAME")
    assert inbox.office.stories.started == []


@attack(
    point=7,
    does="announces a file before it arrives, so that its real event looks like a repetition",
    answer="refused, UNKNOWN_FILE, and nothing is claimed; the real event starts the training",
    log="refused: UNKNOWN_FILE",
    before="succeeded",
)
def test_a_file_that_is_announced_early_is_still_trained_on(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path)
    early = inbox.office.take(blob("diabetes/a.csv"))[0]
    inbox.put("diabetes/a.csv")

    real = inbox.office.take({**blob("diabetes/a.csv"), "id": "2"})[0]

    assert (early.code, real.outcome) == ("UNKNOWN_FILE", "started")


@attack(
    point=7,
    does="announces a file with the highest sequencer, so that all later writes are stale",
    answer="the order counts only in events of the platform's own topics",
    log="none: the sequencer is left out",
    before="succeeded",
)
def test_a_forged_order_makes_no_later_write_stale(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path)
    path = inbox.put("diabetes/a.csv")
    inbox.office.take(blob("diabetes/a.csv", sequencer="f" * 32), channel="api")
    path.write_text("a,Y\n3,4\n")

    real = inbox.office.take({**blob("diabetes/a.csv", sequencer="1" * 32), "id": "2"})[0]

    assert real.outcome == "started"


@attack(
    point=7,
    does="announces a file with the etag of other content",
    answer="stale, DATA_CHANGED; no story starts",
    log="none: the event is answered with its reason",
    before="succeeded",
)
def test_another_etag_is_stale(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path)
    inbox.put("diabetes/a.csv")

    [receipt] = inbox.office.take(blob("diabetes/a.csv", eTag="0" * 64))

    assert (receipt.outcome, receipt.code) == ("stale", "DATA_CHANGED")
    assert inbox.office.stories.started == []


@attack(
    point=7,
    does="announces a commit before it is on the branch, so that the real push looks repeated",
    answer="refused, UNKNOWN_COMMIT, and nothing is claimed; the real push starts the checks",
    log="refused: UNKNOWN_COMMIT",
    before="succeeded",
)
def test_a_commit_that_is_announced_early_is_still_checked(tmp_path: Path) -> None:
    repository, office = code_office(tmp_path)
    repository.commit("the first")
    repository.git("checkout", "--quiet", "-b", "elsewhere")
    repository.write("more.py", "x = 1\n")
    commit = repository.commit("unmerged", branch="elsewhere")
    claim = pushed(repository, commit)

    [early] = office.take(claim)
    repository.git("push", "--quiet", "origin", "elsewhere:main")
    [real] = office.take({**claim, "id": "2"})

    assert (early.outcome, early.code) == ("refused", "UNKNOWN_COMMIT")
    assert real.outcome == "started"


@attack(
    point=7,
    does="proposes a commit that its pull request does not have",
    answer="refused, UNKNOWN_COMMIT",
    log="refused: UNKNOWN_COMMIT",
    before="succeeded",
)
def test_a_proposal_is_compared_with_its_pull_request(tmp_path: Path) -> None:
    repository, office = code_office(tmp_path)
    first = repository.commit("the first")
    repository.write("more.py", "x = 1\n")
    second = repository.commit("the second")
    repository.git("update-ref", "refs/pull/7/head", first, at=repository.bare)
    data = {"repository": str(repository.bare), "ref": "refs/heads/main", "number": "7"}

    forged = office.take(event("Mlops.CodeProposed", {**data, "commit": second}))[0]
    real = office.take(event("Mlops.CodeProposed", {**data, "commit": first}))[0]

    assert (forged.code, real.outcome) == ("UNKNOWN_COMMIT", "started")


def code_office(folder: Path) -> tuple[Repository, Office]:
    """Return a repository and a desk of a model whose code it has."""
    repository = make_repository(folder / "repository")
    code = CodeRules(repository=str(repository.bare))
    office = Office(folder, {MODEL: replace(PROJECTS[MODEL], code=code)})
    sources = GitSources(folder / "fetched", cast(Any, None), GitSettings())
    office.desk = replace(
        office.desk, ports=cast(Ports, replace(office.ports, sources=cast(Any, sources)))
    )
    return repository, office


def pushed(repository: Repository, commit: str) -> Any:
    data = {"repository": str(repository.bare), "ref": "refs/heads/main", "commit": commit}
    return event("Mlops.CodePushed", data)


# Webhooks --------------------------------------------------------------------------------------


REQUEST = {"model": MODEL, "requestId": "attack"}
ATTRIBUTES = {
    "ce-specversion": "1.0",
    "ce-id": "captured",
    "ce-source": "/builds",
    "ce-type": "Mlops.TrainingRequested",
    "ce-subject": "models/diabetes",
}


def hook(target: Target, body: bytes, headers: dict[str, Any], source: str = "build-server") -> Any:
    path = f"/api/webhooks/{source}"
    return ask(target, "POST", path, key="", content=body, headers=headers)


def signed(body: bytes, attributes: dict[str, str] | None = None, age: int = 0) -> dict[str, Any]:
    now = str(int(time.time()) - age)
    signature = sign(SECRET, body, now, attributes)
    return {
        "X-Mlops-Timestamp": now,
        "X-Hub-Signature-256": signature,
        **(attributes or {}),
    }


@attack(
    point=7,
    does="sends a captured binary CloudEvent with other `ce-` headers",
    answer="401 UNAUTHENTICATED: the signature covers these headers",
    log="webhook of build-server refused",
    before="succeeded",
)
@pytest.mark.parametrize(
    "change",
    [
        {"ce-id": "another"},
        {"ce-type": "Mlops.CodePushed"},
        {"ce-subject": "models/wine"},
        {"ce-model": "wine"},
        {"ce-subject": ""},
    ],
    ids=str,
)
def test_a_captured_body_with_other_headers_is_refused(
    target: Target, change: dict[str, str]
) -> None:
    body = json.dumps(REQUEST).encode()
    headers = {**signed(body, ATTRIBUTES), **change}

    answer = hook(target, body, {name: value for name, value in headers.items() if value})

    assert error_of(answer) == (401, "UNAUTHENTICATED")
    assert logged(target, "webhook of build-server refused")


@attack(
    point=7,
    does="sends a signed event without a time, or an old one again",
    answer="401 UNAUTHENTICATED",
    log="webhook of build-server refused",
    before="succeeded",
)
@pytest.mark.parametrize("age", [None, 3600, -3600, 86_400])
def test_a_signed_event_needs_a_time_of_now(target: Target, age: int | None) -> None:
    body = json.dumps(event("Mlops.TrainingRequested", REQUEST)).encode()
    headers = {"X-Hub-Signature-256": sign(SECRET, body)} if age is None else signed(body, age=age)

    assert error_of(hook(target, body, headers)) == (401, "UNAUTHENTICATED")


@attack(
    point=7,
    does="signs with headers outside ASCII",
    answer="401 UNAUTHENTICATED",
    log="webhook of build-server refused",
    before="refused",
)
@pytest.mark.parametrize("name", ["X-Hub-Signature-256", "X-Mlops-Timestamp", "ce-id"])
@pytest.mark.parametrize("value", ["é".encode(), b"\xff\xfe", "sha256=é".encode("latin-1")])
def test_headers_outside_ascii_are_refused(target: Target, name: str, value: bytes) -> None:
    body = json.dumps(REQUEST).encode()

    answer = hook(target, body, {**signed(body, ATTRIBUTES), name: value})

    assert error_of(answer) == (401, "UNAUTHENTICATED")


@attack(
    point=7,
    does="signs an event that the source may not send: of the registry, of storage, of drift",
    answer="403 OUT_OF_SCOPE",
    log="refused: OUT_OF_SCOPE",
    before="succeeded",
)
@pytest.mark.parametrize(
    "claim",
    [
        registered("778"),
        blob("diabetes/x.csv"),
        event("Mlops.DriftDetected", {"model": MODEL, "reportId": "r-1", "reason": "x"}),
        event(f"{ML}.RunCompleted", {"runId": "r"}),
    ],
    ids=lambda claim: claim["eventType"],
)
def test_a_source_sends_its_own_types_only(target: Target, claim: Any) -> None:
    body = json.dumps(claim).encode()

    assert error_of(hook(target, body, signed(body))) == (403, "OUT_OF_SCOPE")


def deliver(
    office: Office, source: str, body: bytes, headers: dict[str, str], rules: WebhookSource
) -> Answer:
    """Send a hook to a desk that knows one source."""
    office.desk = replace(office.desk, webhook_secrets={source: SECRET}, sources={source: rules})
    request = Request(route={"source": source}, headers=headers, body=body)
    return asyncio.run(post_webhook(office.desk, request))


def own(office: Office, body: bytes) -> dict[str, str]:
    """Return the headers of a signed event, in lower case as the host gives them."""
    now = str(int(office.clock.now().timestamp()))
    return {"x-mlops-timestamp": now, "x-hub-signature-256": sign(SECRET, body, now)}


@attack(
    point=7,
    does="asks for a training of a model outside the source's `models`",
    answer="403 OUT_OF_SCOPE; the training of its own model starts",
    log="refused: OUT_OF_SCOPE",
    before="succeeded",
)
def test_a_source_is_kept_to_its_models(tmp_path: Path) -> None:
    office = Office(tmp_path, {MODEL: PROJECTS[MODEL], "wine": PROJECTS[MODEL]})
    rules = WebhookSource(models=("wine",))
    bodies = [
        json.dumps(event("Mlops.TrainingRequested", {"model": model, "requestId": "1"})).encode()
        for model in (MODEL, "wine")
    ]

    with pytest.raises(ContractError) as caught:
        deliver(office, "builds", bodies[0], own(office, bodies[0]), rules)
    deliver(office, "builds", bodies[1], own(office, bodies[1]), rules)

    assert caught.value.code == "OUT_OF_SCOPE"
    assert [name.startswith("train-wine-") for name in office.stories.started] == [True]


@attack(
    point=7,
    does="sends other events as GitHub or as Azure DevOps",
    answer="401, or 202 ignored: these sources send pushes and pull requests only",
    log="webhook of github refused",
    before="succeeded",
)
@pytest.mark.parametrize("source", ["github", "azure-devops", "github-enterprise"])
def test_code_hosts_send_code_only(office: Office, source: str) -> None:
    body = json.dumps(event("Mlops.TrainingRequested", REQUEST)).encode()
    everything = WebhookSource(types=("Mlops.TrainingRequested",))

    with pytest.raises(RefusedError):
        deliver(office, source, body, own(office, body), everything)
    plain = {"x-hub-signature-256": sign(SECRET, body), "x-github-event": "Mlops.TrainingRequested"}
    if source != "azure-devops":
        assert deliver(office, source, body, plain, everything).content["receipts"][0] == {
            "outcome": "ignored",
            "reason": "Mlops.TrainingRequested is neither push nor pull_request.",
        }

    assert office.stories.started == []


@attack(
    point=7,
    does="sends a captured hook of GitHub again, also under another delivery id",
    answer="202 repeated; no second story",
    log="none: the receipt says repeated",
    before="refused",
)
def test_a_replayed_hook_starts_nothing(tmp_path: Path) -> None:
    repository, office = code_office(tmp_path)
    commit = repository.commit("the first")
    push = {
        "ref": "refs/heads/main",
        "after": commit,
        "commits": [],
        "repository": {"clone_url": str(repository.bare)},
    }
    body = json.dumps(push).encode()
    headers = {"x-hub-signature-256": sign(SECRET, body), "x-github-event": "push"}

    outcomes = [
        deliver(
            office, "github", body, {**headers, "x-github-delivery": name}, WebhookSource()
        ).content["receipts"][0]["outcome"]
        for name in ("one", "one", "another", "")
    ]

    assert outcomes == ["started", "repeated", "repeated", "repeated"]
    assert len(office.stories.started) == len(office.inbox.list_events()) == 1


@attack(
    point=7,
    does="passes GitHub's signature of a body off as a signed event, or the other way",
    answer="refused: no bytes mean both",
    log="webhook of builds refused",
    before="refused",
)
def test_signatures_of_hooks_and_of_events_are_not_exchangeable(office: Office) -> None:
    now = str(int(office.clock.now().timestamp()))
    body = json.dumps(event("Mlops.TrainingRequested", REQUEST)).encode()
    text = f"{now}.".encode() + body

    tries: list[tuple[bytes, dict[str, str]]] = [
        # What our own sender signed, as the body of a hook.
        (text, {"x-github-event": "push", "x-hub-signature-256": sign(SECRET, text)}),
        (
            text,
            {
                "x-github-event": "push",
                "content-type": "application/x-www-form-urlencoded",
                "x-hub-signature-256": sign(SECRET, body, now),
            },
        ),
        # A hook's signature on an event without a time.
        (body, {"x-hub-signature-256": sign(SECRET, body)}),
        # Attributes that were signed as a part of the body.
        (
            body,
            {
                "ce-specversion": "1.0",
                "x-mlops-timestamp": now,
                "x-hub-signature-256": sign(SECRET, b"ce-specversion:1.0\n" + body, now),
            },
        ),
    ]
    for content, headers in tries:
        with pytest.raises(MlopsError):
            deliver(office, "builds", content, headers, WebhookSource())

    assert office.stories.started == []
