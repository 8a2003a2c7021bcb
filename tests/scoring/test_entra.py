"""Callers with tokens of Entra, against the service as containers run it and Entra's keys."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from scoring.entra import read_entra
from tests.azure_servers.identity import CLIENT, TENANT, IdentityServer, Signer
from tests.azure_servers.tls import Tls, make_tls
from tests.funchost.conftest import until
from tests.scoring.keys import KEY
from tests.scoring.service import serving

AUDIENCE, ROLE, APP = "api://production", "Model.Caller", "55555555-5555-5555-5555-555555555555"
# Roles and applications that may not call.
NOBODY: dict[str, Any] = {"roles": ["Model.CallerReader"], "appid": CLIENT}


@dataclass
class Production:
    """A service that takes tokens, and the Entra that signs them."""

    client: httpx.Client
    entra: IdentityServer
    log: Path
    row: list[float] = field(default_factory=lambda: [0.0] * 10)

    def ask(self, credential: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {credential}"}
        return self.client.post("/score", json={"data": [self.row]}, headers=headers)

    def token(self, signer: Signer | None = None, audience: str = AUDIENCE, **claims: Any) -> str:
        return (signer or self.entra.signers[0]).token(audience, **{**NOBODY, **claims})


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    return make_tls(tmp_path_factory.mktemp("tls"))


def rules(entra: IdentityServer) -> str:
    content = {
        "keys": f"{entra.url}/{TENANT}/discovery/v2.0/keys",
        "issuers": [f"https://sts.windows.net/{TENANT}/"],
        "audience": AUDIENCE,
        "roles": [ROLE],
        "apps": [APP],
    }
    return json.dumps(content)


@pytest.fixture(scope="module")
def production(
    model: Path, tls: Tls, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Production]:
    log = tmp_path_factory.mktemp("log")
    with IdentityServer(tls) as entra:
        environ = {"SCORING_ENTRA": rules(entra), "SSL_CERT_FILE": str(tls.ca_file)}
        with serving(model, {**environ, "PREDICTION_LOG": str(log)}) as client:
            yield Production(client, entra, log)


@pytest.mark.parametrize(
    "claims", [{"roles": [ROLE]}, {"appid": APP}, {"azp": APP}], ids=["role", "v1 app", "v2 app"]
)
def test_a_token_with_the_role_or_of_a_listed_app_is_answered(
    production: Production, claims: dict[str, Any]
) -> None:
    assert production.ask(production.token(**claims)).status_code == 200


def test_the_prediction_log_names_the_application_and_never_the_token(
    production: Production,
) -> None:
    token = production.token(appid=APP)
    answer = production.ask(token)
    prediction_id = answer.headers["x-prediction-id"]

    def line() -> str:
        text = "".join(path.read_text() for path in production.log.glob("*/*"))
        found = [entry for entry in text.splitlines() if prediction_id in entry]
        return found[0] if found else ""

    until(lambda: line().endswith("}"), "the line")
    assert json.loads(line())["caller"] == APP
    assert token not in line()


def test_a_key_is_taken_beside_tokens(production: Production) -> None:
    assert production.ask(KEY).status_code == 200


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"roles": ROLE},
        {"roles": [ROLE], "iss": "https://sts.windows.net/other/"},
        {"roles": [ROLE], "exp": 1},
        {"roles": [ROLE], "exp": None},
        {"roles": [ROLE], "iss": None},
        {"roles": [ROLE], "audience": "api://other"},
    ],
    ids=["nobody", "role as text", "issuer", "expired", "endless", "no issuer", "audience"],
)
def test_other_tokens_are_refused(production: Production, claims: dict[str, Any]) -> None:
    answer = production.ask(production.token(**claims))

    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "UNAUTHENTICATED")
    assert "invalid_token" in answer.headers["WWW-Authenticate"]


def test_a_token_that_another_key_signed_under_the_same_name_is_refused(
    production: Production,
) -> None:
    forged = production.token(Signer(production.entra.signers[0].key_id), roles=[ROLE])

    assert production.ask(forged).status_code == 401


@pytest.mark.parametrize("text", ["ey.ey.ey", "eyJhbGciOiJub25lIn0.e30.", "ey\xff.a.b"])
def test_a_malformed_token_is_refused(production: Production, text: str) -> None:
    headers = {b"Authorization": f"Bearer {text}".encode("latin-1")}

    answer = production.client.post("/score", json={"data": [production.row]}, headers=headers)

    assert answer.status_code == 401


def test_while_entra_does_not_answer_tokens_get_503_and_keys_work(
    model: Path, tls: Tls, tmp_path: Path
) -> None:
    with IdentityServer(tls) as entra:
        environ = {"SCORING_ENTRA": rules(entra), "SSL_CERT_FILE": str(tls.ca_file)}
    with serving(model, environ) as client:
        production = Production(client, entra, tmp_path)
        refused = production.ask(production.token(roles=[ROLE]))

        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "10")
        assert refused.json()["error"]["code"] == "ENTRA_UNAVAILABLE"
        assert production.ask(KEY).status_code == 200


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"keys": "http://entra/keys", "issuers": ["i"], "audience": "a", "roles": ["r"]}',
        '{"keys": "https://entra/keys", "issuers": ["i"], "audience": "a"}',
        '{"keys": "https://entra/keys", "issuers": [], "audience": "a", "roles": ["r"]}',
        '{"keys": "https://entra/keys", "issuers": ["i"], "audience": "", "roles": ["r"]}',
        '{"keys": "https://entra/keys", "issuers": "i", "audience": "a", "roles": ["r"]}',
    ],
)
def test_a_wrong_configuration_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="SCORING_ENTRA"):
        read_entra({"SCORING_ENTRA": text})


def test_without_a_configuration_no_token_is_taken() -> None:
    assert read_entra({}) is None
