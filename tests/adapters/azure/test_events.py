"""Events to a topic, over https: by the app's identity, or by a key where one is set."""

from collections.abc import Iterator

import pytest

from function_app.adapters.azure.events import AzureEvents
from function_app.adapters.azure.reach.connection import Connection
from function_app.errors import ConfigError, PlatformError
from tests.azure_servers.arm import audience
from tests.azure_servers.base import Answer, Server
from tests.azure_servers.identity import IdentityServer
from tests.azure_servers.names import settings_of_tests
from tests.azure_servers.tls import Tls


@pytest.fixture
def topic(tls: Tls) -> Iterator[Server]:
    with Server(lambda _: Answer(), tls) as server:
        yield server


@pytest.fixture
def connection(identity: IdentityServer, tls: Tls) -> Connection:
    return Connection(settings_of_tests(tls.ca_file), retries=2)


def test_an_event_is_published_by_the_app_s_identity(topic: Server, connection: Connection) -> None:
    events = AzureEvents(connection, f"{topic.url}/api/events", "")

    events.publish("Mlops.ReleasePromoted", "releases/release-m-1", {"model": "m"})

    (request,) = topic.requests
    token = request.headers["authorization"].removeprefix("Bearer ")
    assert audience(token) == "https://eventgrid.azure.net"
    (event,) = request.json
    assert event["eventType"] == "Mlops.ReleasePromoted"
    assert event["subject"] == "releases/release-m-1"
    assert event["data"] == {"model": "m"}
    assert event["id"]


def test_another_cloud_has_a_scope_of_its_own(
    topic: Server, identity: IdentityServer, tls: Tls
) -> None:
    scope = "https://eventgrid.azure.us/.default"
    connection = Connection(settings_of_tests(tls.ca_file, topic_scope=scope), retries=2)

    AzureEvents(connection, f"{topic.url}/api/events", "").publish("T", "s", {})

    token = topic.requests[0].headers["authorization"].removeprefix("Bearer ")
    assert audience(token) == "https://eventgrid.azure.us"


def test_a_key_is_used_where_one_is_set(topic: Server, connection: Connection) -> None:
    AzureEvents(connection, f"{topic.url}/api/events", "the-key").publish("T", "s", {})

    assert topic.requests[0].headers["aeg-sas-key"] == "the-key"
    assert "authorization" not in topic.requests[0].headers


def test_a_topic_that_is_busy_is_asked_again(topic: Server, connection: Connection) -> None:
    answers = [Answer(status=503)]
    topic.respond = lambda _: answers.pop() if answers else Answer()

    AzureEvents(connection, f"{topic.url}/api/events", "k").publish("T", "s", {})

    assert len(topic.requests) == 2


def test_an_event_whose_answer_was_lost_is_sent_again_under_its_id(
    topic: Server, connection: Connection
) -> None:
    answers = [Answer(drop=True)]
    topic.respond = lambda _: answers.pop() if answers else Answer()

    AzureEvents(connection, f"{topic.url}/api/events", "k").publish("T", "s", {})

    first, second = (request.json[0]["id"] for request in topic.requests)
    assert first == second


def test_a_topic_that_refuses_is_a_fault_without_the_key(
    topic: Server, connection: Connection
) -> None:
    topic.respond = lambda _: Answer(status=403, content={"error": {"code": "Forbidden"}})
    url = f"{topic.url}/api/events?sig=hidden"

    with pytest.raises(PlatformError, match="HTTP 403") as caught:
        AzureEvents(connection, url, "the-key").publish("T", "s", {})

    assert "the-key" not in str(caught.value)
    assert "hidden" not in str(caught.value)


def test_without_a_topic_the_setting_is_named(connection: Connection) -> None:
    with pytest.raises(ConfigError, match="MLOPS_TOPIC_ENDPOINT"):
        AzureEvents(connection, "", "").publish("T", "s", {})
