"""Approvers in Azure: only a token of this tenant, for this app, with the role, names a person."""

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import jwt
import pytest

from function_app.adapters.azure.approvers import AzureApprovers
from tests.azure_servers.identity import OBJECT, TENANT, IdentityServer, Signer
from tests.azure_servers.names import settings_of_tests
from tests.azure_servers.tls import Tls

AUDIENCE = "api://mlops"
ROLES = ["Model.Approver"]


class Entra:
    """The authority, and the approvers that trust it."""

    def __init__(self, server: IdentityServer, approvers: AzureApprovers) -> None:
        self.server, self.approvers = server, approvers
        self.issuer = f"{server.url}/{TENANT}/v2.0"

    def identify(self, signer: Signer | None = None, **claims: Any) -> str | None:
        content = {"iss": self.issuer, "roles": ROLES, "preferred_username": "ada@x", **claims}
        audience = content.pop("aud", AUDIENCE)
        return self.approvers.identify(
            (signer or self.server.signers[0]).token(audience, **content)
        )


@pytest.fixture
def entra(tls: Tls) -> Iterator[Entra]:
    with IdentityServer(tls) as server:
        settings = settings_of_tests(tls.ca_file, authority=server.url, approver_audience=AUDIENCE)
        yield Entra(server, AzureApprovers(settings, cooldown=0.0))


def test_a_token_names_its_person(entra: Entra) -> None:
    assert entra.identify() == "ada@x"
    assert entra.identify(preferred_username=None) == OBJECT
    assert entra.identify(iss=f"https://sts.windows.net/{TENANT}/") == "ada@x"


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "api://another"},
        {"iss": "https://sts.windows.net/another-tenant/"},
        {"exp": int(time.time()) - 60},
        {"exp": None},
        {"roles": ["Model.Reader"]},
        {"roles": None},
        {"roles": "Model.Approver"},
        {"nbf": int(time.time()) + 3600},
    ],
)
def test_any_other_token_names_nobody(entra: Entra, claims: dict[str, Any]) -> None:
    assert entra.identify(**claims) is None


def test_a_token_that_another_key_signed_names_nobody(entra: Entra) -> None:
    assert entra.identify(Signer()) is None
    assert entra.identify(Signer("key-of-nobody")) is None


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "é.é.é"])
def test_what_is_no_token_names_nobody(entra: Entra, token: str) -> None:
    assert entra.approvers.identify(token) is None


def test_a_token_without_a_signature_names_nobody(entra: Entra) -> None:
    claims = {"aud": AUDIENCE, "iss": entra.issuer, "roles": ROLES, "exp": time.time() + 60}
    unsigned = jwt.encode(claims, key="", algorithm="none", headers={"kid": "key-1"})

    assert entra.approvers.identify(unsigned) is None


def test_without_an_audience_nobody_can_approve(entra: Entra) -> None:
    settings = replace(entra.approvers._settings, approver_audience="")
    token = entra.server.signers[0].token("", iss=entra.issuer, roles=ROLES)

    assert AzureApprovers(settings).identify(token) is None


def test_a_new_key_of_the_tenant_is_learnt(entra: Entra) -> None:
    assert entra.identify() == "ada@x"
    fresh = Signer("key-2")
    entra.server.signers.append(fresh)

    assert entra.identify(fresh) == "ada@x"
