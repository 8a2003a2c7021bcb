"""Event Grid may subscribe `POST /api/events` from topics that are configured, and from no other."""

from typing import Any

import pytest

from tests.stories.conftest import TOPIC, App


def validation(topic: str, **change: Any) -> list[dict[str, Any]]:
    event = {
        "id": "2d1781af-3a4c-4d7c-bd0c-e34b19da4e66",
        "topic": topic,
        "subject": "",
        "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
        "data": {"validationCode": "512d38b6", "validationUrl": "https://rp/"},
        **change,
    }
    return [event]


def ask(app: App, body: Any) -> Any:
    headers = {"aeg-event-type": "SubscriptionValidation"}
    return app.ask("POST", "/api/events", json=body, headers=headers)


def test_a_configured_topic_gets_its_code_back_with_exactly_200(app: App) -> None:
    answer = ask(app, validation(TOPIC.upper()))

    assert (answer.status_code, answer.json()) == (200, {"validationResponse": "512d38b6"})


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (validation("/subscriptions/evil"), 403),
        (validation(TOPIC, data={}), 400),
        (validation(TOPIC, eventType="Mlops.TrainingRequested"), 400),
        ([], 400),
        (1, 400),
    ],
)
def test_any_other_handshake_is_refused(app: App, body: Any, status: int) -> None:
    answer = ask(app, body)

    assert answer.status_code == status
    assert "validationResponse" not in answer.text


def test_the_handshake_of_cloud_events_is_answered_to_a_configured_origin_only(app: App) -> None:
    def options(origin: str) -> Any:
        return app.ask("OPTIONS", "/api/events", headers={"WebHook-Request-Origin": origin})

    good, bad = options("eventgrid.azure.net"), options("evil.example.com")

    assert good.status_code == 200
    assert good.headers["WebHook-Allowed-Origin"] == "eventgrid.azure.net"
    assert bad.status_code == 403
    assert "WebHook-Allowed-Origin" not in bad.headers
