"""The reference data of each model: its sample, else the first data that was accepted."""

from typing import Protocol

from function_app.adapters.accepted_data import read_reference
from function_app.adapters.azure.jobs import run_specs as specs
from function_app.adapters.azure.reach.blobs import Blobs
from function_app.domain.codec import dump, load
from function_app.domain.data_quality import DataProfile
from function_app.domain.training import Dataset, Reference, Run

FOLDER = "datasets"


class SampleRuns(Protocol):
    """The runs in which models' own code writes sample data."""

    def submit_sample(self, run_id: str, model: str) -> Run:
        """Start the run, or return it."""

    def is_submitted(self, run_id: str) -> bool:
        """Return whether the run was submitted."""


class ReferenceRecords:
    """Reads and writes the reference data of each model."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs

    def find(self, model: str) -> Reference | None:
        """Return the reference data, None before there is any; changes nothing."""
        name = f"{FOLDER}/{model}/reference.json"
        kept = self._blobs.read_json(name)
        if kept is not None:
            return read_reference(kept, self._blobs.url(name))
        folder = specs.output_folder(sample_id(model), specs.SAMPLE)
        sample = self._blobs.read_json(f"{folder}/sample.json")
        if sample is None or sample["profile"] is None:
            return None
        uri = self._blobs.url(f"{folder}/rows.csv")
        dataset = Dataset(model=model, version=str(sample["digest"]), uri=uri)
        return Reference(dataset=dataset, profile=load(DataProfile, sample["profile"]))

    def keep(self, dataset: Dataset, profile: DataProfile) -> None:
        """Make this the reference data, unless there is some."""
        content = dump(Reference(dataset=dataset, profile=profile))
        self._blobs.create_json(f"{FOLDER}/{dataset.model}/reference.json", content)


class References(ReferenceRecords):
    """Lets each model's own code write its sample data, in a run."""

    def __init__(self, blobs: Blobs, runs: SampleRuns) -> None:
        super().__init__(blobs)
        self._runs = runs

    def ask_for_sample(self, model: str) -> None:
        """Start the run that writes the model's sample data, or find it."""
        self._runs.submit_sample(sample_id(model), model)

    def is_asked(self, model: str) -> bool:
        """Return whether the run that writes the sample data was started."""
        return self._runs.is_submitted(sample_id(model))


def sample_id(model: str) -> str:
    """Return the id of the run that writes a model's sample data."""
    return f"sample-{model}"
