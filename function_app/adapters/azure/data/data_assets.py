"""Data versions as assets of the Azure ML workspace, so that people see the inputs of each run."""

from typing import TYPE_CHECKING

from function_app.adapters.azure.reach.blobs import Blobs
from function_app.adapters.azure.reach.connection import translate
from function_app.adapters.azure.reach.workspace import Workspace, datastore_path
from function_app.domain.training import Dataset
from function_app.errors import NotFoundError, PlatformError
from function_app.late_imports import importing

if TYPE_CHECKING:
    from azure.ai.ml.entities import Data


class DataAssets:
    """Registers each version once; the asset's version is the beginning of its digest."""

    def __init__(self, workspace: Workspace, blobs: Blobs) -> None:
        self._workspace, self._blobs = workspace, blobs

    def register(self, dataset: Dataset) -> str:
        """Register a version or find it; return its name and version."""
        name, label = asset_name(dataset.model), dataset.version[:32]
        if self._find(name, label) is None:
            try:
                self._make(name, label, dataset)
            except PlatformError:
                # Another attempt may have been quicker, or the answer to this one was lost.
                if self._find(name, label) is None:
                    raise
        return f"{name}:{label}"

    def _find(self, name: str, label: str) -> "Data | None":
        try:
            with translate("read the data asset", f"{name}:{label}"):
                asset: Data = self._workspace.client.data.get(name, version=label)
        except NotFoundError:
            return None
        return asset

    def _make(self, name: str, label: str, dataset: Dataset) -> None:
        with importing():
            from azure.ai.ml.entities import Data

        blob = self._blobs.name_of(dataset.uri)
        asset = Data(
            name=name,
            version=label,
            type="uri_file",
            path=dataset.uri if blob is None else datastore_path(blob),
            description=f"Data of {dataset.model} that arrived by an event.",
            tags={"mlops": "dataset", "model": dataset.model, "dataset": dataset.version},
        )
        with translate("register the data asset", f"{name}:{label}"):
            self._workspace.client.data.create_or_update(asset)


def asset_name(model: str) -> str:
    """Return the name of the asset that has a model's data as its versions."""
    return f"{model}-data"
