"""The reference data of each model: its sample, else the first data that was accepted."""

from typing import Protocol

from function_app.adapters.accepted_data import SAMPLE_LIMIT, read_reference
from function_app.adapters.archives import sha256
from function_app.adapters.azure.jobs import run_specs as specs
from function_app.adapters.azure.jobs.run_containers import RunContainers
from function_app.adapters.azure.reach.blobs import Blobs
from function_app.domain.codec import dump, load
from function_app.domain.data_quality import DataProfile
from function_app.domain.training import Dataset, Reference, Run
from function_app.errors import ContractError

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
        self._blobs, self._containers = blobs, RunContainers(blobs)

    def find(self, model: str) -> Reference | None:
        """Return the reference data, None before there is any; changes nothing.

        A sample that `adopt` has not copied yet may still be changed by any run of a model's code.
        """
        name = f"{FOLDER}/{model}/reference.json"
        record = self._blobs.read_json(name)
        if record is not None:
            return read_reference(record, self._blobs.url(name))
        sample = self._containers.read_record(sample_id(model), specs.SAMPLE, "sample.json")
        if not sample or sample.get("profile") is None:
            return None
        version = str(sample["digest"])
        dataset = Dataset(model=model, version=version, uri=self._blobs.url(_rows(model, version)))
        return Reference(dataset=dataset, profile=load(DataProfile, sample["profile"]))

    def adopt(self, model: str) -> Reference | None:
        """Return the reference data, None before there is any; from now on no run can change it.

        The first call copies the model's sample to a folder that only this app writes.
        ContractError when the rows of the sample differ from those of its record.
        """
        reference = self.find(model)
        if reference is None or self._blobs.entry(f"{FOLDER}/{model}/reference.json"):
            return reference
        run_id = sample_id(model)
        rows = self._containers.read_within(run_id, specs.SAMPLE, "rows.csv", SAMPLE_LIMIT)
        if rows is None or sha256(rows) != reference.dataset.version:
            folder = specs.output_folder(run_id, specs.SAMPLE)
            text = f"The rows of {folder} do not match its record. Delete that folder."
            raise ContractError(text)
        self._blobs.create(_rows(model, reference.dataset.version), rows)
        self.store(reference.dataset, reference.profile)
        # Another process may have been quicker with other data.
        return self.find(model)

    def store(self, dataset: Dataset, profile: DataProfile) -> None:
        """Make this the reference data, unless there is some."""
        content = dump(Reference(dataset=dataset, profile=profile))
        self._blobs.create_json(f"{FOLDER}/{dataset.model}/reference.json", content)


class References(ReferenceRecords):
    """Starts runs in which each model's own code writes its sample data."""

    def __init__(self, blobs: Blobs, runs: SampleRuns) -> None:
        super().__init__(blobs)
        self._runs = runs

    def ask_for_sample(self, model: str) -> None:
        """Start the run that writes the model's sample data, or find it."""
        self._runs.submit_sample(sample_id(model), model)

    def is_asked(self, model: str) -> bool:
        """Return whether the run that writes the sample data was started."""
        return self._runs.is_submitted(sample_id(model))


def _rows(model: str, version: str) -> str:
    return f"{FOLDER}/{model}/{version}.csv"


def sample_id(model: str) -> str:
    """Return the id of the run that writes a model's sample data."""
    return f"sample-{model}"
