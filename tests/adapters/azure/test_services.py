"""The adapters put together: nothing is asked of Azure before it is needed."""

import subprocess
import sys

import pytest

from function_app.adapters.azure.production.kubernetes.production import AzureProduction
from function_app.adapters.azure.production.online_endpoint.online_endpoint import (
    OnlineEndpointProduction,
)
from function_app.adapters.azure.reach.workspace import Workspace
from function_app.adapters.azure.services import Services, create_services
from function_app.errors import ConfigError
from tests.azure_servers.azure import ROOT, Azure


def create(azure: Azure, **settings: str) -> Services:
    seen = azure.with_settings(**settings)
    connection = seen.connection()
    return create_services(Workspace(connection), azure.root, azure.projects, azure.rows())


def test_putting_the_adapters_together_sends_no_request(azure: Azure) -> None:
    create(azure)

    assert azure.arm.requests == []
    assert azure.blobs.requests == []


def test_importing_the_adapters_imports_no_sdk() -> None:
    code = (
        "import sys, function_app.adapters.azure.services\n"
        "heavy = ('azure.ai', 'azure.mgmt', 'azure.storage', 'azure.core', 'kubernetes', 'httpx')\n"
        "print([m for m in sys.modules if m.startswith(heavy)])"
    )

    answer = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert answer.stdout.strip() == "[]"


def test_production_is_what_the_settings_say(azure: Azure) -> None:
    assert isinstance(create(azure).production, AzureProduction)
    assert isinstance(create(azure, production="endpoint").production, OnlineEndpointProduction)
    with pytest.raises(ConfigError, match="MLOPS_AZURE_PRODUCTION"):
        create(azure, production="moon")
