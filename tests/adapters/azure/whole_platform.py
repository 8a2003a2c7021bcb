"""A whole platform of Azure: every part that this app may create, by its settings."""

from tests.azure_servers.azure import Azure

FUNCTION = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites/a/functions/on_event"
PARTS = (
    "workspace",
    "versions container",
    "runs container",
    "evaluations container",
    "predictions container",
    "checks container",
    "checks-inputs container",
    "datastore",
    "runs datastore",
    "evaluations datastore",
    "checks datastore",
    "checks-inputs datastore",
    "compute",
    "judging compute",
    "checks compute",
    "environment",
    "baseline dataset of diabetes",
    "training step of diabetes",
    "events of data",
    "events of workspace",
    "base image",
)


def whole(azure: Azure) -> Azure:
    """Return an Azure whose settings name everything that this app may make."""
    return azure.with_settings(
        events_function=FUNCTION,
        data_topic="data-topic",
        workspace_topic="workspace-topic",
        key_vault="/subscriptions/s/vaults/v",
        application_insights="/subscriptions/s/components/i",
    )


def complete_platform(azure: Azure) -> Azure:
    """Let every part be made, as the story does, and Azure be done with it in between."""
    for part in azure.platform().parts():
        while not azure.platform().ensure(part).ready:
            azure.ml.provide()
            azure.grid.succeed()
    return azure
