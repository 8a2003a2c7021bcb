"""Addresses of data: which are read, and how others are refused."""

import hashlib
from pathlib import Path

import pytest

from function_app.adapters.azure.data.data_addresses import landed_name
from function_app.errors import (
    ContractError,
    NotFoundError,
)
from function_app.settings.azure import AzureSettings
from tests.azure_servers.azure import sdk_warnings
from tests.azure_servers.names import settings_of_tests
from tests.contracts.dataset_place import CSV, Place, azure_place, place

__all__ = ["azure_place", "place"]
pytestmark = sdk_warnings


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example.com/data/m/a.csv",
        "file:///etc/passwd",
        "ftp://x/y",
        "{folder}/../../../datasets/secret.csv",
        "",
    ],
)
def test_nothing_is_read_from_elsewhere(place: Place, elsewhere: str) -> None:
    uri, _ = place.land("m/a.csv", CSV)

    with pytest.raises(ContractError):
        place.datasets.add("m", elsewhere.format(folder=uri.rpartition("/")[0]))


def test_a_file_that_is_not_there_is_not_found(place: Place) -> None:
    uri, _ = place.land("m/a.csv", CSV)

    with pytest.raises(NotFoundError):
        place.datasets.add("m", uri.replace("a.csv", "b.csv"))


def lake_settings() -> AzureSettings:
    return settings_of_tests(Path("ca.pem"), blob_endpoint="https://acct.blob.core.windows.net")


def test_a_write_by_the_data_lake_api_is_the_same_blob() -> None:
    name = landed_name(lake_settings(), "https://acct.dfs.core.windows.net/data/m/a%20b.csv")

    assert name == "m/a b.csv"


def test_a_name_with_signs_is_read_as_the_storage_spells_it(azure_place: Place) -> None:
    uri, etag = azure_place.land("m/50% of + b c.csv", CSV)
    folder = uri.rpartition("/")[0]

    dataset = azure_place.datasets.add("m", f"{folder}/50%25%20of%20+%20b%20c.csv", etag)

    assert dataset.version == hashlib.sha256(CSV).hexdigest()


@pytest.mark.parametrize(
    "address",
    [
        "no address",
        "https://[",
        "https://acct.blob.core.windows.net:port/data/m/a.csv",
        "http://acct.blob.core.windows.net/data/m/a.csv",
        "https://acct.blob.core.windows.net:444/data/m/a.csv",
        "https://acct.blob.core.windows.net.example.org/data/m/a.csv",
        "https://other.blob.core.windows.net/data/m/a.csv",
        "https://someone@acct.blob.core.windows.net/data/m/a.csv",
        "https://acct.blob.core.windows.net/versions/m/a.csv",
        "https://acct.blob.core.windows.net/data-else/m/a.csv",
        "https://acct.blob.core.windows.net/data/",
        "https://acct.blob.core.windows.net/data/../versions/a.csv",
        "https://acct.blob.core.windows.net/data/%2e%2e/versions/a.csv",
        "https://acct.blob.core.windows.net/data/%2E%2E%2Fversions/a.csv",
        "https://acct.blob.core.windows.net/data/..%5Cversions/a.csv",
        "https://acct.blob.core.windows.net/data/m/a%00.csv",
        "https://acct.blob.core.windows.net/data/./m/a.csv",
        "https://acct.blob.core.windows.net/data//a.csv",
        "https://acct.blob.core.windows.net/data/m/a.csv#part",
    ],
)
def test_an_odd_address_is_refused_with_where_data_belongs(address: str) -> None:
    with pytest.raises(
        ContractError, match=r"Put the file under https://acct\.blob\.[a-z.]+/data/"
    ):
        landed_name(lake_settings(), address)


def test_a_signature_in_an_address_is_refused_and_never_shown() -> None:
    with pytest.raises(ContractError, match="has a query") as refused:
        landed_name(lake_settings(), "https://acct.blob.core.windows.net/data/a.csv?sig=hidden")

    assert "hidden" not in str(refused.value)
