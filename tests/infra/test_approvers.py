"""The Entra application of docs/how-to/azure.md issues tokens that the app accepts."""

import json
import re
import uuid
from dataclasses import fields
from typing import Any

import pytest

from function_app.adapters.azure.approvers import AzureApprovers
from function_app.domain.people.people import Person
from function_app.settings.azure import AzureSettings
from tests.azure_servers.identity import OBJECT, TENANT, IdentityServer
from tests.azure_servers.names import settings_of_tests
from tests.azure_servers.tls import Tls
from tests.infra.conftest import ROOT

# The Azure CLI in every tenant of the public cloud.
AZURE_CLI = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
PERSON, APPLICATION = Person(oid=OBJECT), "5d1f0a3e-0000-4000-8000-000000000001"
PAGE = (ROOT / "docs" / "how-to" / "azure.md").read_text()


def read(name: str) -> Any:
    return json.loads((ROOT / "infra" / "approvers" / f"{name}.json").read_text())


def test_the_role_is_the_one_that_app_and_templates_ask_for() -> None:
    [role] = read("application")["appRoles"]

    asked = {entry.name: entry.default for entry in fields(AzureSettings)}["approver_role"]
    template = (ROOT / "infra" / "main.bicep").read_text()
    assert role["value"] == asked
    assert f"param approverRole string = '{asked}'" in template
    assert role["isEnabled"]
    assert role["allowedMemberTypes"] == ["User"]


def test_the_azure_cli_may_ask_for_a_token_without_consent() -> None:
    [scope] = read("application")["api"]["oauth2PermissionScopes"]
    [client] = read("azure-cli")["api"]["preAuthorizedApplications"]

    assert client == {"appId": AZURE_CLI, "delegatedPermissionIds": [scope["id"]]}
    assert scope["isEnabled"]


def test_the_second_request_only_adds_to_the_first() -> None:
    """The request that creates a scope cannot use the scope; the second request repeats its fields."""
    first, second = read("application")["api"], read("azure-cli")["api"]

    assert "preAuthorizedApplications" not in first
    assert {key: second[key] for key in first} == first


def test_roles_and_scopes_have_ids_of_their_own() -> None:
    application = read("application")

    [role], [scope] = application["appRoles"], application["api"]["oauth2PermissionScopes"]
    assert len({uuid.UUID(role["id"]), uuid.UUID(scope["id"])}) == 2


@pytest.mark.parametrize("name", ["application", "azure-cli"])
def test_the_page_sends_each_file(name: str) -> None:
    assert f"--body @infra/approvers/{name}.json" in PAGE


def test_the_page_assigns_the_role_that_the_application_has() -> None:
    [role] = read("application")["appRoles"]

    assert re.findall(r"^ROLE=(\S+)$", PAGE, re.MULTILINE) == [role["id"]]
    assert r"\"appRoleId\":\"$ROLE\"" in PAGE


def test_a_token_of_this_application_names_its_person(tls: Tls) -> None:
    """The token is of version 2: its issuer has it, and its audience is the application's id."""
    application = read("application")
    assert application["api"]["requestedAccessTokenVersion"] == 2
    assert "azd env set MLOPS_APPROVER_AUDIENCE $APPROVERS" in PAGE
    with IdentityServer(tls) as server:
        settings = settings_of_tests(
            tls.ca_file, authority=server.url, approver_audience=APPLICATION
        )
        roles = [role["value"] for role in application["appRoles"]]
        issuer = f"{server.url}/{TENANT}/v2.0"
        token = server.signers[0].token(
            APPLICATION,
            iss=issuer,
            roles=roles,
            oid=PERSON.oid,
            preferred_username="eve@example.org",
        )

        assert AzureApprovers(settings, {"ada": PERSON}).identify(token) == "ada"
