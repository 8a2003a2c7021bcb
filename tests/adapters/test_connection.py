"""The way to Azure, against servers of this machine: identity, retries, and how it fails."""

from pathlib import Path

import pytest

from function_app.adapters.azure.reach.connection import Connection
from function_app.errors import NotFoundError, PlatformError
from tests.adapters.conftest import MakeSettings
from tests.azure_servers.base import Answer, Request, Server
from tests.azure_servers.identity import CLIENT, IdentityServer
from tests.azure_servers.tls import Tls, make_tls

GROUP = "/subscriptions/s/resourceGroups/g"


def test_a_call_carries_the_token_of_the_app_s_identity(
    identity: IdentityServer, tls: Tls, azure_settings: MakeSettings
) -> None:
    with Server(lambda _: Answer(content={"name": "g"}), tls) as arm:
        connection = Connection(azure_settings(management_endpoint=arm.url))

        assert connection.rest("GET", GROUP, api_version="2024-01-01") == {"name": "g"}
        assert connection.rest("GET", GROUP, api_version="2024-01-01") == {"name": "g"}

    assert [r.query["api-version"] for r in arm.requests] == ["2024-01-01"] * 2
    assert arm.requests[0].headers["authorization"].startswith("Bearer eyJ")
    (token,) = identity.asked("GET", "/token")
    assert token.query["resource"] == arm.url
    assert token.query["client_id"] == CLIENT


def test_an_empty_answer_is_none_and_a_body_is_sent_as_json(
    identity: IdentityServer, tls: Tls, azure_settings: MakeSettings
) -> None:
    with Server(lambda _: Answer(status=204), tls) as arm:
        connection = Connection(azure_settings(management_endpoint=arm.url))

        assert connection.rest("PUT", GROUP, api_version="1", body={"a": [1]}) is None

    assert arm.requests[0].json == {"a": [1]}


def test_a_link_to_the_next_page_is_followed_and_one_to_another_host_is_not(
    identity: IdentityServer, tls: Tls, azure_settings: MakeSettings
) -> None:
    with Server(lambda r: Answer(content=r.query), tls) as arm:
        connection = Connection(azure_settings(management_endpoint=arm.url))
        link = f"{arm.url}{GROUP}?api-version=7&$skiptoken=x"

        assert connection.rest("GET", link, api_version="1") == {
            "api-version": "7",
            "$skiptoken": "x",
        }
        with pytest.raises(ValueError, match="leads away"):
            connection.rest("GET", "https://elsewhere.example/x", api_version="1")


def test_a_throttled_call_is_repeated_after_the_time_that_azure_asks_for(
    identity: IdentityServer, tls: Tls, azure_settings: MakeSettings
) -> None:
    answers = [Answer(status=503), Answer(status=429, headers={"Retry-After": "1"})]

    def respond(_: Request) -> Answer:
        return answers.pop() if answers else Answer(content={})

    with Server(respond, tls) as arm:
        connection = Connection(azure_settings(management_endpoint=arm.url))

        assert connection.rest("GET", GROUP, api_version="1") == {}

    assert len(arm.requests) == 3


def test_a_refusal_names_resource_code_status_request_and_remedy(
    identity: IdentityServer, tls: Tls, azure_settings: MakeSettings
) -> None:
    refusal = Answer(
        status=403,
        content={"error": {"code": "AuthorizationFailed", "message": "no. sig=abc%2Fdef&x=1"}},
        headers={"x-ms-request-id": "request-7"},
    )
    with Server(lambda _: refusal, tls) as arm:
        connection = Connection(azure_settings(management_endpoint=arm.url))

        with pytest.raises(PlatformError) as caught:
            connection.rest("GET", GROUP, api_version="1")

    text = str(caught.value)
    for part in ("PLATFORM: Azure could not GET", GROUP, "AuthorizationFailed", "HTTP 403"):
        assert part in text
    assert "request request-7" in text
    assert "role" in text
    assert "abc%2Fdef" not in text


def test_an_absent_resource_is_not_found(
    identity: IdentityServer, tls: Tls, azure_settings: MakeSettings
) -> None:
    missing = Answer(status=404, content={"error": {"code": "ResourceNotFound", "message": "no"}})
    with Server(lambda _: missing, tls) as arm:
        connection = Connection(azure_settings(management_endpoint=arm.url))

        with pytest.raises(NotFoundError, match=r"ResourceNotFound, HTTP 404"):
            connection.rest("GET", GROUP, api_version="1")


def test_a_server_of_another_authority_is_not_spoken_to(
    identity: IdentityServer, azure_settings: MakeSettings, tmp_path: Path
) -> None:
    stranger = make_tls(tmp_path / "other")
    with Server(lambda _: Answer(content={}), stranger) as arm:
        connection = Connection(azure_settings(management_endpoint=arm.url), retries=0)

        with pytest.raises(PlatformError, match="CA certificates"):
            connection.rest("GET", GROUP, api_version="1")

    assert arm.requests == []


def test_a_wrong_identity_is_told_from_a_missing_role(
    tls: Tls, azure_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with IdentityServer() as identity, Server(lambda _: Answer(content={}), tls) as arm:
        monkeypatch.setenv("IDENTITY_ENDPOINT", identity.environ()["IDENTITY_ENDPOINT"])
        monkeypatch.setenv("IDENTITY_HEADER", "guessed")
        connection = Connection(azure_settings(management_endpoint=arm.url))

        with pytest.raises(PlatformError, match="MLOPS_AZURE_CLIENT_ID"):
            connection.rest("GET", GROUP, api_version="1")

    assert arm.requests == []


def test_every_thread_gets_the_same_credential(azure_settings: MakeSettings) -> None:
    from concurrent.futures import ThreadPoolExecutor

    connection = Connection(azure_settings())
    with ThreadPoolExecutor(8) as pool:
        seen = set(pool.map(lambda _: id(connection.credential), range(32)))

    assert len(seen) == 1
