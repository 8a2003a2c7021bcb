"""A variable whose name is nearly that of a setting is noticed; others are left alone."""

import pytest

from configuration.variables import find_misspelt, known_variables


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("MLOPS_PROJECT", "MLOPS_PROJECTS"),
        ("MLOPS_PLATFROM", "MLOPS_PLATFORM"),
        ("MLOP_STATE", "MLOPS_STATE"),
        ("mlops_state", "MLOPS_STATE"),
        ("MLOPS_AZURE_TENNANT_ID", "MLOPS_AZURE_TENANT_ID"),
        ("MLOPS_NOTIFY_SLACK_URI", "MLOPS_NOTIFY_SLACK_URL"),
        ("MLOPS_GITTOKEN_GITHUB_COM", "MLOPS_GIT_TOKEN_..."),
        ("MLOPS_WEBHOOK_SECRETS_GITHUB", "MLOPS_WEBHOOK_SECRET_..."),
    ],
)
def test_a_near_miss_names_the_right_variable(name: str, meant: str) -> None:
    assert find_misspelt([name, "PATH"]) == [
        f"The variable {name} has no effect. Did you mean {meant}?"
    ]


def test_an_unknown_name_of_a_closed_family_has_no_effect() -> None:
    assert find_misspelt(["MLOPS_AZURE_QWERTZ"]) == [
        "The variable MLOPS_AZURE_QWERTZ has no effect. No setting has this name."
    ]


def test_right_and_foreign_variables_are_left_alone() -> None:
    names = [*known_variables(), "MLOPS_WEBHOOK_SECRET_JENKINS", "MLOPS_GIT_API_GIT_EXAMPLE_ORG"]

    assert find_misspelt([*names, "MLOPS_TEAM_COLOUR", "PATH", "MLFLOW_TRACKING_URI"]) == []
