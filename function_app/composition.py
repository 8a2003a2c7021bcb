"""The table of contents: which adapters the app acts through, and every function that it has."""

from typing import Any

import azure.durable_functions as df
import azure.functions as func

from function_app.activities import lanes, platform, releases, training
from function_app.errors import ConfigError
from function_app.orchestrators.ensure_platform import ensure_platform
from function_app.orchestrators.release_model import release_model
from function_app.orchestrators.roll_back import roll_back
from function_app.orchestrators.train_model import train_model
from function_app.ports import Ports
from function_app.settings import Settings
from function_app.triggers import approvals, dead_letters, http_api, webhooks
from function_app.wiring import add_activity, add_event_grid, add_route, add_schedule, add_story

STORIES = (ensure_platform, train_model, release_model, roll_back)

ACTIVITIES = (
    platform.ensure_part,
    training.validate_dataset,
    training.submit_training,
    training.get_run,
    training.cancel_run,
    training.evaluate_challenger,
    training.register_model,
    lanes.take_lane,
    lanes.leave_lane,
    releases.build_image,
    releases.deploy_staging,
    releases.smoke_test,
    releases.remove_staging,
    releases.request_approval,
    releases.settle_approval,
    releases.get_champion,
    releases.promote_challenger,
    releases.roll_back_production,
    releases.update_release,
    releases.end_release,
)

ROUTES = (
    ("POST", "events", http_api.post_events),
    ("GET", "dead-letters", dead_letters.get_dead_letters),
    ("GET", "dead-letters/{letter_id}", dead_letters.get_dead_letter),
    ("DELETE", "dead-letters/{letter_id}", dead_letters.delete_dead_letter),
    ("POST", "dead-letters/{letter_id}/replay", dead_letters.post_replay),
    ("GET", "status", http_api.get_status),
    ("GET", "status/{instance_id}", http_api.get_instance),
    ("POST", "platform", http_api.post_platform),
    ("POST", "models/{model}/train", http_api.post_training),
    ("GET", "releases", http_api.get_releases),
    ("GET", "releases/{release_id}", http_api.get_release),
    ("POST", "releases/{release_id}/approve", approvals.post_approval),
    ("POST", "releases/{release_id}/reject", approvals.post_rejection),
    ("POST", "models/{model}/roll-back", approvals.post_roll_back),
)

EVERY_SECOND = "* * * * * *"


def create_app(settings: Settings, ports: Ports | None = None) -> Any:
    """Return the one DFApp of these settings."""
    ports = ports or _create_ports(settings)
    app = df.DFApp(http_auth_level=func.AuthLevel.FUNCTION)
    for story in STORIES:
        add_story(app, story)
    for activity in ACTIVITIES:
        add_activity(app, activity, ports)
    for method, route, answer in ROUTES:
        add_route(app, method, route, answer, ports, settings.projects)
    secrets = settings.webhook_secrets
    add_route(
        app,
        "POST",
        "webhooks/{source}",
        webhooks.post_webhook,
        ports,
        settings.projects,
        webhook_secrets=secrets,
    )
    add_event_grid(app, ports, settings.projects)
    if settings.platform == "local":
        # In Azure the storage itself sends the events.
        add_schedule(app, "watch_inbox", EVERY_SECOND, ports.datasets.announce)
    return app


def _create_ports(settings: Settings) -> Ports:
    if settings.platform == "azure":
        raise ConfigError("MLOPS_PLATFORM=azure is not there yet. Use local.")
    from function_app.adapters.local.platform import create_ports

    return create_ports(settings)
