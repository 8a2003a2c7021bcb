"""The event subscriptions of the Azure platform: created, changed back, left to infra/."""

import pytest

from function_app.domain.platform import PartState
from function_app.errors import ConfigError
from tests.adapters.azure.whole_platform import FUNCTION, complete_platform, whole
from tests.azure_servers.azure import Azure, sdk_warnings

pytestmark = sdk_warnings


def test_events_are_subscribed_for_whole_files_and_ends_of_runs(azure: Azure) -> None:
    complete_platform(whole(azure))

    data = azure.grid.subscriptions["data-topic/mlops-data"]["properties"]
    runs = azure.grid.subscriptions["workspace-topic/mlops-workspace"]["properties"]
    assert data["filter"]["subjectBeginsWith"].endswith("/containers/data/")
    assert data["filter"]["advancedFilters"][0]["key"] == "data.api"
    assert {"RenameFile", "RenameDirectory", "SftpRename"} <= set(
        data["filter"]["advancedFilters"][0]["values"]
    )
    assert set(data["filter"]["includedEventTypes"]) == {
        f"Microsoft.Storage.{kind}" for kind in ("BlobCreated", "BlobRenamed", "DirectoryRenamed")
    }
    assert data["destination"]["properties"]["resourceId"] == FUNCTION
    assert "Microsoft.MachineLearningServices.RunCompleted" in runs["filter"]["includedEventTypes"]


def test_a_subscription_that_somebody_changed_is_different_and_changed_back(azure: Azure) -> None:
    complete_platform(whole(azure))
    properties = azure.grid.subscriptions["data-topic/mlops-data"]["properties"]
    properties["filter"]["subjectBeginsWith"] = "/elsewhere/"

    plan = whole(azure).platform().plan("events of data")
    complete_platform(whole(azure))

    assert plan.state is PartState.DIFFERENT
    assert "subjectBeginsWith" in plan.detail
    assert whole(azure).platform().plan("events of data").state is PartState.PRESENT


def test_subscriptions_that_infra_keeps_are_left_to_it(azure: Azure) -> None:
    assert azure.platform().ensure("events of data").ready
    plan = azure.platform().plan("events of data")
    assert plan.state is PartState.ELSEWHERE, "nobody looked whether it stands"
    assert "infra/events.bicep" in plan.detail
    assert "stays" in azure.platform().remove("events of data")
    assert azure.grid.subscriptions == {}


def test_the_plan_says_that_a_foreign_subscription_stays_as_it_is(azure: Azure) -> None:
    complete_platform(whole(azure))
    properties = azure.grid.subscriptions["data-topic/mlops-data"]["properties"]
    properties["filter"]["subjectBeginsWith"] = "/elsewhere/"
    properties["labels"] = ["somebody's"]

    plan = whole(azure).platform().plan("events of data")

    assert plan.state is PartState.DIFFERENT
    assert plan.detail.startswith("Cannot change filter subjectBeginsWith: ")
    with pytest.raises(ConfigError) as refused:
        whole(azure).platform().ensure("events of data")
    assert plan.detail.endswith(refused.value.message)
