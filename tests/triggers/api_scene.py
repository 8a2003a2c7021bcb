"""An app behind its own wiring, and a request of each route that it answers with success.

The ports are the tests' own where they would reach a platform; inbox, ledger and audit log are
the real ones. Each answer is held to the OpenAPI document.
"""

import asyncio
import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import azure.durable_functions as df
import azure.functions as func

from function_app.adapters.local.rows import LocalRows
from function_app.composition import ANONYMOUS_ROUTES, ROUTES
from function_app.domain.access.budgets import Budgets
from function_app.domain.change.change import CodeVersion
from function_app.domain.codec import dump
from function_app.domain.data_quality import Prepared
from function_app.domain.gates import Comparison
from function_app.domain.lineage.environment import RunEnvironment
from function_app.domain.platform import PartState, PlannedPart
from function_app.domain.project import Limits
from function_app.domain.reconciliation import FINDINGS, Finding, FindingKind, ReconcileReport
from function_app.domain.release.release import ReleaseRecord
from function_app.domain.stories.outcomes import Tone
from function_app.domain.stories.views import StoryView
from function_app.domain.training import ModelVersion, Run, RunStatus
from function_app.domain.webhooks.signatures import sign
from function_app.domain.webhooks.webhook_sources import WebhookSource
from function_app.errors import NotFoundError, PlatformError
from function_app.ports import Ports
from function_app.records.inbox.inbox import StoredInbox
from function_app.records.ledger.ledger import StoredLedger
from function_app.records.recorder import Recorder
from function_app.triggers.invocation import Invocation, Respond
from function_app.wiring import SharedContext, add_route
from tests.activities.law_bench import MODEL, FakeProduction, FakeRegistry, image
from tests.api_document import check_answer, check_request
from tests.test_handler_threads import STARTER
from tests.triggers.office import FewFiles
from tests.triggers.test_orders import People, PeopleBench
from tests.triggers.test_reports import RUN
from tests.triggers.test_story_api import TRAINING

NOW = datetime(2026, 1, 1, 2, tzinfo=UTC)
SECRET = "the secret of a build server"
TOPIC = "/subscriptions/s/topics/t"
TYPES = ("Mlops.TrainingRequested", "Microsoft.MachineLearningServices.ModelRegistered")
RESPOND: dict[str, tuple[str, str, Respond]] = {
    respond.__name__: (method, route, respond)
    for method, route, respond in (*ROUTES, *ANONYMOUS_ROUTES)
}


def view(story: str, instance_id: str, *, ended: bool) -> StoryView:
    """Return a story that failed, or that runs."""
    return {
        "instance_id": instance_id,
        "story": story,
        "status": "Failed" if ended else "Running",
        "ended": ended,
        "can_be_cancelled": not ended,
        "outcome": "failed" if ended else "running",
        "tone": Tone.BAD if ended else Tone.OPEN,
        "reasons": ["The disk is full."] if ended else [],
        "facts": {"model": MODEL},
        "step": {"step": "training", "trail": [{"step": "training", "at": "2026-01-01T00:00:00Z"}]},
        "output": None,
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T01:00:00Z",
    }


@dataclass
class Stories:
    """A training that failed, one that runs, and the stories that are started."""

    views: dict[str, StoryView] = field(
        default_factory=lambda: {
            "failed": view("train_model", "failed", ended=True),
            "running": view("train_model", "running", ended=False),
        }
    )

    async def start(self, story: str, instance_id: str, argument: Any) -> None:
        self.views[instance_id] = view(story, instance_id, ended=False)

    async def wake(self, instance_id: str, event: str) -> None:
        """Wake no story."""

    async def find(self, instance_id: str) -> StoryView | None:
        return self.views.get(instance_id)

    async def argument(self, instance_id: str) -> Any:
        return dump(TRAINING) if instance_id in self.views else None

    async def list(self, since: datetime) -> list[StoryView]:
        return list(self.views.values())

    async def forget(self, start: datetime, end: datetime) -> int:
        return 0


class Production(FakeProduction):
    """Production with keys."""

    def caller_header(self, model: str) -> str:
        return "@/home/ada/keys/diabetes"

    def rotate_keys(self, model: str) -> str:
        return "@/home/ada/keys/diabetes"


class Jobs:
    """Jobs with one run, its log and its report, and a published code."""

    def get(self, run_id: str) -> Run:
        return RUN if run_id == RUN.run_id else replace(RUN, status=RunStatus.UNKNOWN)

    def environment(self, run_id: str) -> RunEnvironment | None:
        return RunEnvironment(cpu="Xeon", threads="1") if run_id == RUN.run_id else None

    def log(self, run_id: str, most: int) -> bytes:
        if run_id != RUN.run_id:
            raise NotFoundError("There is no such run.", code="UNKNOWN_RUN")
        return b"one\ntwo\n"

    def comparison(self, run_id: str) -> Comparison:
        raise NotFoundError("There is no such evaluation.", code="UNKNOWN_RUN")

    def prepared(self, run_id: str) -> Prepared:
        raise NotFoundError("There is no such preparation.", code="UNKNOWN_RUN")

    def report(self, run_id: str, name: str) -> bytes:
        if name != "junit.xml":
            raise NotFoundError("There is no such report.", code="UNKNOWN_REPORT")
        return b"<testsuites/>"

    def code(self, model: str, version: str = "") -> CodeVersion | None:
        return None


REPORT = b"<p>442 rows</p>"


class Registry(FakeRegistry):
    """A registry without the version 9, in which version 7 is not this app's."""

    def get(self, model: str, version: str) -> ModelVersion:
        if version == "9":
            raise NotFoundError("There is no such version.", code="UNKNOWN_VERSION")
        known = super().get(model, version)
        return replace(known, digest="") if version == "7" else known

    def attached(self, version: ModelVersion, name: str) -> bytes | None:
        return REPORT if name == "data-report.html" else None


class Platform:
    """A platform of one part."""

    def parts(self) -> tuple[str, ...]:
        return ("state",)

    def plan(self, part: str) -> PlannedPart:
        return PlannedPart(part=part, state=PartState.ABSENT, detail="It will be made.")

    def remove(self, part: str) -> str:
        return "It is removed."

    def isolation(self) -> str:
        return "namespaces"


class Away:
    """A port whose platform does not answer."""

    def __getattr__(self, name: str) -> Any:
        def refuse(*_: Any, **__: Any) -> None:
            raise PlatformError("local", name, "It does not answer.")

        return refuse


class Scene(PeopleBench):
    """An app with two promoted releases, one that waits, a refused event and a finding."""

    def __init__(self, folder: Path) -> None:
        rows = LocalRows(folder / "ledger.db")
        super().__init__(StoredLedger(rows), rows, moment=NOW)
        self.inbox, self.jobs, self.platform = (
            StoredInbox(LocalRows(folder / "i.db")),
            Jobs(),
            Platform(),
        )
        self.datasets, self.production, self.stories = FewFiles(), Production(), Stories()
        self.registry = Registry(production=self.production)
        self.production.served = image("2")
        self.limits, self.budgets, self.away = Limits(), Budgets(), False

    def plant(self) -> None:
        """Store the records that the tests read."""
        self.bring_up("1")
        self.bring_up("2")
        self.ask("3")
        found = Finding(kind=FindingKind.NOT_READY, subject=MODEL, detail="0 of 2 are ready.")
        report = json.dumps(dump(ReconcileReport(findings=(found,))))
        self.ledger.save_record(FINDINGS, {"at": "2026-01-01T00:00:00Z", "report": report})
        self.send("post_events", json_body=event("Mlops.Unknown"))

    @property
    def waiting(self) -> ReleaseRecord:
        """Return the release that waits for a decision."""
        return self.record("3")

    @property
    def event_key(self) -> str:
        """Return the key of the refused event."""
        return self.inbox.list_events()[-1].event_key

    def shared(self) -> "SceneContext":
        ports: Any = self
        if self.away:
            ports = _AwayPorts(clock=self.clock, approvers=People())
        return SceneContext(
            ports=cast(Ports, ports),
            projects=self.projects,
            limits=self.limits,
            recorder=Recorder(self.rows),
            webhook_secrets={"build-server": SECRET, "github": SECRET},
            topics=(TOPIC,),
            sources={"build-server": WebhookSource(types=TYPES)},
            stories=self.stories,
            budgets=self.budgets,
        )

    def send(
        self,
        operation: str,
        /,
        *,
        json_body: Any = None,
        body: bytes = b"",
        token: str = "",
        query: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        **route: str,
    ) -> func.HttpResponse:
        """Send a request through the wiring of the app; the answer is held to the document."""
        method, template, respond = RESPOND[operation]
        path = f"/api/{template.format(**route)}"
        sent = {"authorization": f"Bearer {token}"} if token else {}
        request = func.HttpRequest(
            method=method,
            url=path,
            body=json.dumps(json_body).encode() if json_body is not None else body,
            headers={**sent, **(headers or {})},
            params=query or {},
            route_params=route,
        )
        app = df.DFApp()
        anonymous = any(respond is each for _, _, each in ANONYMOUS_ROUTES)
        add_route(app, method, template, respond, self.shared(), anonymous=anonymous)
        [function] = app.get_functions()
        run = function.get_user_function()
        answer: func.HttpResponse = asyncio.run(run(req=request, client=STARTER, context=None))
        given = {**answer.headers, "content-type": answer.mimetype}
        check_answer(method, path, answer.status_code, given, answer.get_body())
        sent_json = json_body if json_body is not None else _json(body)
        is_handshake = "aeg-event-type" in (headers or {})
        if answer.status_code < 300 and sent_json is not None and not is_handshake:
            check_request(method, path, sent_json)
        return answer


@dataclass(frozen=True, kw_only=True)
class SceneContext(SharedContext):
    """The shared context with the stories of the scene."""

    stories: Stories

    def invocation(self, client: Any) -> Invocation:
        return replace(SharedContext.invocation(self, client), stories=self.stories)


class _AwayPorts:
    """Ports of which only the clock and the people answer."""

    def __init__(self, clock: Any, approvers: Any) -> None:
        self.clock, self.approvers = clock, approvers

    def __getattr__(self, name: str) -> Away:
        return Away()


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


def event(kind: str, **data: Any) -> dict[str, Any]:
    """Return an event of CloudEvents 1.0."""
    return {
        "specversion": "1.0",
        "id": "e1",
        "source": "build-server",
        "type": kind,
        "subject": f"models/{MODEL}",
        "data": {"model": MODEL, "requestId": "r1", **data},
    }


def hook(content: Any = None, body: bytes = b"", secret: str = SECRET) -> dict[str, Any]:
    """Return the options of a signed request to a webhook."""
    body = json.dumps(content).encode() if content is not None else body
    stamp = str(int(NOW.timestamp()))
    headers = {"x-mlops-timestamp": stamp, "x-hub-signature-256": sign(secret, body, stamp)}
    return {"source": "build-server", "body": body, "headers": headers}


def registered(version: str) -> dict[str, Any]:
    return event(TYPES[1], modelName=MODEL, modelVersion=version)


REQUESTED, VALIDATION = event(TYPES[0]), "Microsoft.EventGrid.SubscriptionValidationEvent"
PING = b'{"zen": "x", "hook": {"events": ["push", "pull_request"]}}'
HANDSHAKE = {"aeg-event-type": "SubscriptionValidation"}
PERSON = {"token": "ada"}
RELEASED = {"release_id": f"release-{MODEL}-3"}
IN_MODEL = {"model": MODEL}


def validation(topic: str) -> list[dict[str, Any]]:
    return [{"id": "1", "topic": topic, "eventType": VALIDATION, "data": {"validationCode": "c"}}]


def well_formed(scene: Scene) -> dict[str, dict[str, Any]]:
    """Return a request of each operation that the scene answers with success."""
    image_of_3 = scene.waiting.image
    assert image_of_3 is not None
    named = {"image_digest": image_of_3.digest, "evidence_hash": scene.waiting.evidence_hash}
    key = {"event_key": scene.event_key}
    return {
        "get_openapi": {},
        "post_events": {"json_body": REQUESTED},
        "options_events": {"headers": {"webhook-request-origin": TOPIC}},
        "get_events": {"query": {"limit": "1"}},
        "get_event": key,
        "delete_event": key,
        "post_replay": key,
        "get_status": {},
        "get_instance": {"instance_id": "running"},
        "post_platform": {},
        "get_platform": {},
        "delete_part": {"part": "state", "query": {"sure": "state"}, "token": "ada"},
        "get_metrics": {},
        "get_findings": {},
        "get_attention": {},
        "post_reconciliation": {},
        "post_cancel": {"instance_id": "running", **PERSON},
        "post_retry": {"instance_id": "failed"},
        "get_audit": {"query": {"limit": "1"}, **PERSON},
        "get_audit_check": PERSON,
        "get_models": {},
        "get_model": IN_MODEL,
        "get_lineage": {"version": "3", **IN_MODEL},
        "get_evidence_file": {"version": "3", "name": "data-report.html", **IN_MODEL},
        "post_reproduction": {"version": "3", **IN_MODEL},
        "post_training": {"json_body": {"request_id": "r2"}, **IN_MODEL},
        "get_run_state": {"run_id": RUN.run_id},
        "get_run_log": {"run_id": RUN.run_id, "query": {"tail": "1"}},
        "get_report": {"run_id": RUN.run_id, "name": "junit.xml"},
        "get_drift": IN_MODEL,
        "post_drift_check": IN_MODEL,
        "get_releases": {"query": {"limit": "1"}},
        "get_release": RELEASED,
        "post_approval": {"json_body": named, **RELEASED, **PERSON},
        "post_rejection": {"json_body": {**named, "comment": "no"}, **RELEASED, **PERSON},
        "post_withdrawal": {**RELEASED, **PERSON},
        "post_roll_back": {**IN_MODEL, **PERSON},
        "post_shutdown": {**IN_MODEL, **PERSON},
        "post_rotation": {**IN_MODEL, **PERSON},
        "post_webhook": hook(REQUESTED),
    }
