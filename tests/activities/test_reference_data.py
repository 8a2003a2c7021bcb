"""New data is compared with the champion's data, else with the model's reference data."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import cast

import pytest

from function_app.domain.training import Dataset
from function_app.errors import NotFoundError
from function_app.ports import Ports
from function_app.services.judging import reference_data

NEW, CHAMPIONS, FIRST = (letter * 64 for letter in "abc")


@dataclass
class Stored:
    """Data of a model: the versions that are there, and which one is the reference."""

    versions: set[str] = field(default_factory=lambda: {NEW, CHAMPIONS, FIRST})
    first: str = FIRST

    def version(self, model: str, version: str) -> Dataset:
        if version not in self.versions:
            raise NotFoundError(f"Version {version} is gone.")
        return data(version)

    def reference(self, model: str) -> SimpleNamespace | None:
        return SimpleNamespace(dataset=data(self.first)) if self.first else None


def data(version: str) -> Dataset:
    return Dataset(model="m", version=version, uri=f"/{version}.csv")


def ports(stored: Stored, champion: str) -> Ports:
    """Return ports whose champion was trained on this version, "" without a champion."""
    served = SimpleNamespace(model="m", version="1") if champion else None
    return cast(
        Ports,
        SimpleNamespace(
            production=SimpleNamespace(champion=lambda model: served),
            registry=SimpleNamespace(get=lambda model, version: SimpleNamespace(run_id="train-1")),
            jobs=SimpleNamespace(get=lambda run_id: SimpleNamespace(dataset_version=champion)),
            datasets=stored,
        ),
    )


@pytest.mark.parametrize(
    ("stored", "champion", "compared"),
    [
        (Stored(), CHAMPIONS, CHAMPIONS),
        (Stored(), "", FIRST),
        (Stored(versions={NEW, FIRST}), CHAMPIONS, FIRST),
        (Stored(versions={NEW}), CHAMPIONS, None),
        (Stored(first=""), "", None),
        (Stored(), NEW, None),  # the champion was trained on the same bytes
        (Stored(first=NEW), "", None),
    ],
)
def test_the_champions_data_comes_first(
    stored: Stored, champion: str, compared: str | None
) -> None:
    found = reference_data(ports(stored, champion), data(NEW))

    assert (found.version if found else None) == compared
