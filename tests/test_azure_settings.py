"""Invalid settings of Azure are refused."""

import pytest

from function_app.errors import ConfigError
from function_app.settings.azure import AzureSettings, read_azure_settings
from tests.azure_servers.names import NAMES


def read(**values: str) -> AzureSettings:
    return read_azure_settings(
        {**NAMES, **{f"MLOPS_AZURE_{n.upper()}": v for n, v in values.items()}}
    )


def test_checks_have_a_compute_of_their_own_when_nothing_is_set() -> None:
    settings = read()

    assert settings.checks_compute != settings.compute
    assert settings.checks_container != settings.versions_container


def test_one_compute_for_two_identities_is_refused() -> None:
    with pytest.raises(ConfigError, match="MLOPS_AZURE_CHECKS_COMPUTE"):
        read(checks_compute="training", compute_identity="/one", checks_identity="/two")


@pytest.mark.parametrize(
    ("compute", "identity"), [("serverless", "/two"), ("training", ""), ("training", "/ONE")]
)
def test_one_compute_is_allowed_where_no_token_is_gained_by_it(compute: str, identity: str) -> None:
    given = {"compute": compute, "checks_compute": compute, "compute_identity": "/one"}

    assert read(**given, checks_identity=identity).checks_compute == compute


@pytest.mark.parametrize(("name", "text"), [("ROLLOUT_SECONDS", "0"), ("BUILD_SECONDS", "-1")])
def test_a_time_limit_in_which_nothing_succeeds_is_refused(name: str, text: str) -> None:
    with pytest.raises(ConfigError, match=f"MLOPS_AZURE_{name} is {text}. Give at least"):
        read(**{name.lower(): text})
