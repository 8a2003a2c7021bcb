"""Approvers in Azure: only a token of this tenant for this app, with the role, names a person."""

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import jwt
import pytest

from function_app.adapters.azure.approvers import AzureApprovers
from function_app.domain.people.people import Person
from function_app.errors import PlatformError
from tests.azure_servers.identity import OBJECT, TENANT, IdentityServer, Signer
from tests.azure_servers.names import settings_of_tests
from tests.azure_servers.tls import Tls

AUDIENCE = "api://mlops"
ROLES = ["Model.Approver"]
PEOPLE = {"ada": Person(oid=OBJECT)}
ANOTHER = "44444444-4444-4444-4444-444444444444"


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
        yield Entra(server, AzureApprovers(settings, PEOPLE, cooldown=0.0))


def test_a_token_names_its_person(entra: Entra) -> None:
    assert entra.identify() == "ada"
    assert entra.identify(oid=OBJECT.upper()) == "ada"
    assert entra.identify(iss=f"https://sts.windows.net/{TENANT}/") == "ada"


def test_a_person_without_a_name_is_the_object_id(entra: Entra) -> None:
    assert entra.identify(oid=ANOTHER) == ANOTHER


@pytest.mark.parametrize("claim", ["preferred_username", "upn", "email", "name", "unique_name"])
@pytest.mark.parametrize("name", ["ada", "ada@x", OBJECT])
def test_no_name_in_a_token_identifies_anybody(entra: Entra, claim: str, name: str) -> None:
    names: dict[str, Any] = {claim: name}

    assert entra.identify(oid=ANOTHER, **names) == ANOTHER
    assert entra.identify(oid=None, **names) is None


def test_a_scope_does_instead_of_the_role_where_one_is_set(entra: Entra) -> None:
    settings = replace(entra.approvers._settings, approver_scope="decide")
    entra.approvers = AzureApprovers(settings, PEOPLE)

    assert entra.identify(roles=None, scp="read decide") == "ada"
    assert entra.identify(scp=None) == "ada"
    for scp in ("decider", "read", "", ["decide"], None):
        assert entra.identify(roles=None, scp=scp) is None


def test_without_the_setting_no_scope_does_instead_of_the_role(entra: Entra) -> None:
    assert entra.identify(roles=None, scp="decide") is None
    assert entra.identify(roles=None, scp="") is None


def test_tokens_cannot_be_judged_while_entra_does_not_answer(entra: Entra) -> None:
    settings = replace(entra.approvers._settings, authority="https://127.0.0.1:1")
    token = entra.server.signers[0].token(AUDIENCE, iss=entra.issuer, roles=ROLES)

    with pytest.raises(PlatformError, match="Send the request again later"):
        AzureApprovers(settings, PEOPLE).identify(token)


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
        {"nbf": int(time.time()) + 86_400},
        {"oid": None},
        {"oid": ""},
        {"oid": "ada"},
        {"oid": [OBJECT]},
        {"oid": f" {OBJECT}"},
    ],
)
def test_any_other_token_names_nobody(entra: Entra, claims: dict[str, Any]) -> None:
    assert entra.identify(**claims) is None


def test_a_token_that_another_key_signed_names_nobody(entra: Entra) -> None:
    assert entra.identify(Signer()) is None
    assert entra.identify(Signer("key-of-nobody")) is None


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "é.é.é"])
def test_an_invalid_token_names_no_person(entra: Entra, token: str) -> None:
    assert entra.approvers.identify(token) is None


def test_a_token_without_a_signature_names_nobody(entra: Entra) -> None:
    claims = {"aud": AUDIENCE, "iss": entra.issuer, "roles": ROLES, "exp": time.time() + 3600}
    unsigned = jwt.encode(claims, key="", algorithm="none", headers={"kid": "key-1"})

    assert entra.approvers.identify(unsigned) is None


def test_without_an_audience_nobody_can_approve(entra: Entra) -> None:
    settings = replace(entra.approvers._settings, approver_audience="")
    token = entra.server.signers[0].token("", iss=entra.issuer, roles=ROLES)

    assert AzureApprovers(settings, PEOPLE).identify(token) is None


def test_a_new_key_of_the_tenant_is_learnt(entra: Entra) -> None:
    assert entra.identify() == "ada"
    fresh = Signer("key-2")
    entra.server.signers.append(fresh)

    assert entra.identify(fresh) == "ada"
