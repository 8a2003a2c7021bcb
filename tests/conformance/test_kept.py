"""The data file of kept differences is complete."""

from typing import Any

import pytest

from reference import differences
from tests.conformance import kept

CELLS = ("topic", "azure", "here", "advice")


@pytest.mark.parametrize("entry", kept.entries(), ids=lambda entry: entry["topic"])
def test_a_kept_difference_says_what_is_so_where_and_what_to_do(entry: dict[str, Any]) -> None:
    assert entry["kit"] in kept.KITS
    assert all(entry[cell].strip() for cell in CELLS)
    assert set(entry) <= {"kit", "hidden", *CELLS}
    assert bool(entry.get("hidden")) == (entry["kit"] != "none")


def test_every_pattern_can_be_searched() -> None:
    assert all(kept.hidden(kit) for kit in {entry["kit"] for entry in kept.entries()} - {"none"})


def test_the_table_holds_each_difference_once() -> None:
    text = '[[kept]]\nkit = "none"\ntopic = "T"\nazure = "A|B"\nhere = "H"\nadvice = "D"\n'

    page = differences.fill(f"# Page\n\n{differences.HEADING}\nold\n", text)

    assert page.startswith("# Page\n\n## What differs from Azure\n")
    assert page.endswith("| T | A\\|B | H | D |\n")
    assert "old" not in page
