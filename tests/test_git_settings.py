import pytest

from function_app.errors import ConfigError
from function_app.settings.git import read_git_settings


def test_a_token_is_found_by_its_host_whatever_signs_it_has() -> None:
    settings = read_git_settings(
        {
            "MLOPS_GIT_TOKEN_GIT_EXAMPLE_ORG_8443": " secret ",
            "MLOPS_GIT_API_GITHUB_COM": "https://x/",
        }
    )

    assert settings.token("git.example.org:8443") == "secret"
    assert settings.token("example.org") == ""
    assert settings.api("GitHub.com") == "https://x"


def test_a_link_begins_with_where_the_app_is() -> None:
    assert read_git_settings({"WEBSITE_HOSTNAME": "app.azurewebsites.net"}).public_url == (
        "https://app.azurewebsites.net"
    )
    named = {"WEBSITE_HOSTNAME": "app.azurewebsites.net", "MLOPS_PUBLIC_URL": "https://mlops.org/"}
    assert read_git_settings(named).public_url == "https://mlops.org"
    assert read_git_settings({}).public_url == ""
    core_tools = {"WEBSITE_HOSTNAME": "localhost:7071"}
    assert read_git_settings(core_tools).public_url == "http://localhost:7071"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MLOPS_GIT_TOKEN_GITHUB_COM", "@Microsoft.KeyVault(SecretUri=https://v)"),
        ("MLOPS_GIT_API_GITHUB_COM", "http://api.github.com"),
        ("MLOPS_GIT_TIMEOUT_SECONDS", "soon"),
        ("MLOPS_GIT_TIMEOUT_SECONDS", "0"),
        ("MLOPS_GIT_TIMEOUT_SECONDS", "nan"),
    ],
)
def test_a_wrong_setting_is_named_and_its_secret_is_not(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=name) as refused:
        read_git_settings({name: value})
    assert "SecretUri" not in str(refused.value)


def test_no_secret_is_shown() -> None:
    assert "hidden" not in repr(read_git_settings({"MLOPS_GIT_TOKEN_GITHUB_COM": "hidden"}))
