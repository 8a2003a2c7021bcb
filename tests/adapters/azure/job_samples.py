"""Sample jobs for the tests of runs on Azure ML."""

from datetime import UTC, datetime

from function_app.domain.training import Dataset
from tests.azure_servers.azure import Azure

RUN = "train-diabetes-a"


NOW = datetime.now(UTC)


IDENTITIES = (
    "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities"
)


def dataset(azure: Azure) -> Dataset:
    uri = f"{azure.blobs.url}/versions/datasets/rows.csv"
    return Dataset(model="diabetes", version="d" * 64, uri=uri)
