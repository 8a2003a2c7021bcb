"""A git server on this machine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.adapters.git.repositories import GitServer, Shelf, serve


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    (tmp_path / "served").mkdir(exist_ok=True)
    with serve(tmp_path / "served") as made:
        yield made
