"""The limit of a data file, `max_file_mib` in mlops.toml, on both platforms."""

import resource
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from function_app.adapters.azure.ports import create_ports as create_azure_ports
from function_app.adapters.local.platform import create_ports
from function_app.domain.events.arrivals import MIB, FileLimit
from function_app.domain.project import Limits
from function_app.domain.training import Dataset, RunStatus
from function_app.errors import ContractError
from function_app.ports import Datasets
from function_app.settings.settings import Settings, read_settings
from platform_jobs.limits import FILE_BYTES, MEMORY
from tests.azure_servers.azure import Azure, azure, sdk_warnings
from tests.funchost.conftest import until

__all__ = ["azure"]
pytestmark = sdk_warnings

ROOT = Path(__file__).parents[2]
NAME = "diabetes/rows.csv"
# Lands a file of so many bytes and returns its address.
Land = Callable[[int], str]


def settings_with(limit: str, folder: Path) -> Settings:
    """Return the settings of an app whose mlops.toml has this line in `[limits]`."""
    file = folder / "mlops.toml"
    text = (ROOT / "mlops.toml").read_text(encoding="utf-8")
    file.write_text(f"{text}\n[limits]\n{limit}\n", encoding="utf-8")
    environ = {"MLOPS_PROJECTS": str(file), "MLOPS_STATE": str(folder / "s"), "MLOPS_ENGINE": ""}
    return read_settings(environ, ROOT)


def on_this_machine(settings: Settings) -> tuple[Datasets, Land]:
    path = settings.state / "inbox" / "data" / NAME

    def land(size: int) -> str:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            file.truncate(size)
        return path.as_uri()

    return create_ports(settings).datasets, land


def in_azure(settings: Settings, azure: Azure) -> tuple[Datasets, Land]:
    azure.blobs.containers["data"] = {}

    def land(size: int) -> str:
        azure.blobs.put("data", NAME, bytes(size))
        return f"{azure.blobs.url}/data/{NAME}"

    return create_azure_ports(
        replace(settings, platform="azure", azure=azure.settings)
    ).datasets, land


@pytest.fixture(params=["local", "azure"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], tuple[Datasets, Land]]:
    """Makes the data of an app with this line in `[limits]`, and the landing of a file."""

    def make(limit: str) -> tuple[Datasets, Land]:
        settings = settings_with(limit, tmp_path)
        if request.param == "local":
            return on_this_machine(settings)
        return in_azure(settings, request.getfixturevalue("azure"))

    return make


def test_a_file_over_the_limit_is_refused_by_the_key_and_its_value(
    make: Callable[[str], tuple[Datasets, Land]],
) -> None:
    datasets, land = make("max_file_mib = 1")
    address = land(MIB + 1)
    said = (
        rf"rows\.csv has {MIB + 1} bytes; `limits\.max_file_mib = 1` in mlops\.toml allows {MIB}\. "
        "Split the file, or raise this value"
    )

    for read in (
        lambda: datasets.add("diabetes", address),
        lambda: datasets.find("data", NAME),
    ):
        with pytest.raises(ContractError, match=said) as caught:
            read()
        assert caught.value.code == "TOO_LARGE"
    [finding] = datasets.list_unreadable()
    assert finding.startswith(f"data/{NAME}: ")
    assert "`limits.max_file_mib = 1`" in finding


def test_a_file_at_the_limit_is_taken_and_stays_readable_when_the_limit_falls(
    make: Callable[[str], tuple[Datasets, Land]],
) -> None:
    datasets, land = make("max_file_mib = 2")
    kept = datasets.add("diabetes", land(2 * MIB))
    assert datasets.list_unreadable() == ()

    lower, _ = make("max_file_mib = 1")

    assert lower.version("diabetes", kept.version) == kept


def test_a_limit_that_is_no_setting_names_no_setting() -> None:
    with pytest.raises(ContractError) as caught:
        FileLimit(most=3).check("a.csv", 4)
    assert caught.value.message == "a.csv has 4 bytes; the limit is 3. Split the file."
    FileLimit(most=3).check("a.csv", 3)


@pytest.mark.parametrize("mib", [1, 200, 201, 410, 411, 10_240])
def test_a_run_has_twice_the_memory_of_the_job_that_reads_the_largest_file(mib: int) -> None:
    job = MEMORY * max(mib * MIB, FILE_BYTES) // FILE_BYTES

    assert abs(Limits(max_file_mib=mib).run_memory() - 2 * job) < MIB


def test_the_memory_of_a_run_follows_the_limit_of_a_file(tmp_path: Path) -> None:
    settings = settings_with("max_file_mib = 500", tmp_path)
    project = replace(settings.projects["diabetes"], command=("sh", "-c", "ulimit -v"))
    jobs = create_ports(replace(settings, projects={"diabetes": project})).jobs
    (settings.state / "runs" / "prepare-a" / "prepared" / "seen").mkdir(parents=True)

    jobs.submit("train-a", Dataset(model="diabetes", version="", uri=""), "prepare-a", None, {})
    until(lambda: jobs.get("train-a").status.ended, "the run to end", 120)

    assert jobs.get("train-a").status is RunStatus.COMPLETED, jobs.get("train-a").detail
    # A limit that the process of the tests has stays in force.
    inherited = resource.getrlimit(resource.RLIMIT_AS)[1]
    kib = project.limits.run_memory() >> 10
    if inherited != resource.RLIM_INFINITY:
        kib = min(kib, inherited >> 10)
    assert jobs.log("train-a", 1000).split() == [str(kib).encode()]
