"""The composition of the app: its adapters, and every function with its trigger."""

import logging
from typing import Any

import azure.durable_functions as df
import azure.functions as func

from configuration.rules import timer_name
from function_app import telemetry
from function_app.activities import (
    changes,
    lanes,
    outcomes,
    platform,
    production,
    reconciliation,
    releases,
    reproduction,
    training,
    watching,
)
from function_app.adapters.host_refusals import HostRefusals
from function_app.log_redaction import redact_logs
from function_app.orchestrators.ensure_platform import ensure_platform
from function_app.orchestrators.integrate_change import integrate_change
from function_app.orchestrators.reconcile import reconcile
from function_app.orchestrators.release_model import release_model
from function_app.orchestrators.reproduce_model import reproduce_model
from function_app.orchestrators.roll_back import roll_back
from function_app.orchestrators.train_model import train_model
from function_app.orchestrators.watch_production import watch_production
from function_app.ports import Ports
from function_app.records.recorder import Recorder
from function_app.settings.settings import Settings, read_limits
from function_app.steps import STEPS
from function_app.steps.step import check_bound
from function_app.triggers import metrics, openapi, timers, watch_sources, webhooks
from function_app.triggers.events import stored_events
from function_app.triggers.http import (
    approvals,
    attention,
    audit_api,
    http_api,
    keys,
    lineage_api,
    models_api,
    orders,
    releases_api,
    reports,
    story_api,
    watches,
)
from function_app.triggers.invocation import Route
from function_app.wiring import (
    SharedContext,
    add_activity,
    add_event_grid,
    add_route,
    add_schedule,
    add_story,
    add_timer,
)

STORIES = (
    ensure_platform,
    integrate_change,
    train_model,
    release_model,
    roll_back,
    reconcile,
    watch_production,
    reproduce_model,
)

# The modules that bind each of STEPS to its activity.
ACTIVITIES = (
    changes,
    lanes,
    outcomes,
    platform,
    production,
    reconciliation,
    releases,
    reproduction,
    training,
    watching,
)

ROUTES: tuple[Route, ...] = (
    ("GET", "openapi.json", openapi.get_openapi),
    ("POST", "events", http_api.post_events),
    ("OPTIONS", "events", http_api.options_events),
    ("GET", "events", stored_events.get_events),
    ("GET", "events/{event_key}", stored_events.get_event),
    ("DELETE", "events/{event_key}", stored_events.delete_event),
    ("POST", "events/{event_key}/replay", stored_events.post_replay),
    ("GET", "status", http_api.get_status),
    ("GET", "status/{instance_id}", http_api.get_instance),
    ("POST", "platform", http_api.post_platform),
    ("GET", "platform", http_api.get_platform),
    ("DELETE", "platform/{part}", http_api.delete_part),
    ("GET", "metrics", metrics.get_metrics),
    ("GET", "findings", http_api.get_findings),
    ("GET", "attention", attention.get_attention),
    ("POST", "findings", timers.post_reconciliation),
    ("POST", "stories/{instance_id}/cancel", story_api.post_cancel),
    ("POST", "stories/{instance_id}/retry", story_api.post_retry),
    ("GET", "audit", audit_api.get_audit),
    ("GET", "audit/check", audit_api.get_audit_check),
    ("GET", "models", models_api.get_models),
    ("GET", "models/{model}", models_api.get_model),
    ("POST", "models/{model}/train", http_api.post_training),
    ("GET", "models/{model}/versions/{version}/lineage", lineage_api.get_lineage),
    (
        "GET",
        "models/{model}/versions/{version}/evidence/{name}",
        lineage_api.get_evidence_file,
    ),
    (
        "POST",
        "models/{model}/versions/{version}/reproduction",
        lineage_api.post_reproduction,
    ),
    ("GET", "runs/{run_id}", reports.get_run_state),
    ("GET", "runs/{run_id}/log", reports.get_run_log),
    ("GET", "runs/{run_id}/reports/{name}", reports.get_report),
    ("GET", "models/{model}/drift", watches.get_drift),
    ("POST", "models/{model}/drift", watches.post_drift_check),
    ("GET", "releases", releases_api.get_releases),
    ("GET", "releases/{release_id}", releases_api.get_release),
    ("POST", "releases/{release_id}/approve", approvals.post_approval),
    ("POST", "releases/{release_id}/reject", approvals.post_rejection),
    ("POST", "releases/{release_id}/withdraw", approvals.post_withdrawal),
    ("POST", "models/{model}/roll-back", orders.post_roll_back),
    ("POST", "models/{model}/shutdown", orders.post_shutdown),
    ("POST", "models/{model}/keys", keys.post_rotation),
)

# These routes authenticate their senders themselves.
ANONYMOUS_ROUTES: tuple[Route, ...] = (("POST", "webhooks/{source}", webhooks.post_webhook),)

TIMERS = (
    ("take_up_pending", "*/15 * * * * *", timers.take_up_pending),
    ("start_reconciliation", "0 */10 * * * *", timers.start_reconciliation),
    ("watch_sources", "*/20 * * * * *", watch_sources.watch_sources),
    ("start_watches", "0 * * * * *", watches.start_watches),
    ("record_figures", "30 * * * * *", metrics.record_figures),
    ("forget_old_events", "0 30 4 * * *", timers.forget_old_events),
    ("forget_old_histories", "0 0 5 * * *", timers.forget_old_histories),
)

EVERY_SECOND = "* * * * * *"


def create_app(settings: Settings, ports: Ports | None = None) -> Any:
    """Return the one DFApp of these settings."""
    redact_logs()
    # The SDKs log each request with its headers: more than all that the app says itself.
    logging.getLogger("azure").setLevel(logging.WARNING)
    if settings.collector:
        telemetry.send_by_otlp(settings.service)
    ports = ports or _create_ports(settings)
    recorder = Recorder(ports.rows)
    shared = SharedContext(
        ports=ports,
        recorder=recorder,
        projects=settings.projects,
        limits=read_limits(settings.projects),
        webhook_secrets=settings.webhook_secrets,
        topics=settings.topics,
        sources=settings.sources,
        proxies=settings.proxies,
        host_refusals=HostRefusals(settings.host_refusals).pass_to,
    )
    app = df.DFApp(http_auth_level=func.AuthLevel.FUNCTION)
    for story in STORIES:
        add_story(app, story)
    check_bound(STEPS, tuple(story.__name__ for story in STORIES))
    for step in STEPS:
        add_activity(app, step, ports, recorder)
    for method, route, answer in ROUTES:
        add_route(app, method, route, answer, shared)
    for method, route, answer in ANONYMOUS_ROUTES:
        add_route(app, method, route, answer, shared, anonymous=True)
    for name, cron, act in TIMERS:
        add_timer(app, name, cron, act, shared)
    _add_schedules(app, shared)
    add_event_grid(app, shared)
    if settings.platform == "local":
        # In Azure the storage itself sends the events, and `record_figures` records the runs.
        add_schedule(app, "watch_inbox", EVERY_SECOND, ports.datasets.announce)
        add_schedule(app, "record_runs", EVERY_SECOND, ports.jobs.record_ended)
    return app


def _add_schedules(app: Any, shared: SharedContext) -> None:
    for model, project in sorted(shared.projects.items()):
        for schedule in project.schedules:
            name = timer_name(model, schedule.name)
            act = timers.training_on_schedule(model, schedule.name)
            add_timer(app, name, schedule.cron, act, shared)


def _create_ports(settings: Settings) -> Ports:
    if settings.platform == "azure":
        from function_app.adapters.azure.ports import create_ports

        return create_ports(settings)
    from function_app.adapters.local.platform import create_ports as create_local_ports

    return create_local_ports(settings)
