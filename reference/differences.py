"""The table of differences from Azure in docs/funchost.md, from the data file of the tests."""

import tomllib
from pathlib import Path

from reference.markdown import table

ROOT = Path(__file__).resolve().parents[1]
PAGE = "docs/funchost.md"
DATA = "tests/conformance/kept.toml"
HEADING = "## What differs from Azure\n"
_HEAD = ("difference", "Azure", "funchost", "advice")
_INTRODUCTION = f"""
funchost differs from Microsoft's extensions in these cases only, and on purpose.
`python -m reference` writes this table from `{DATA}`. The tests that play the
recorded answers of the extensions leave out exactly these differences.
"""


def fill(page: str, data: str) -> str:
    """Return the page with its last section written from the data, a text in TOML."""
    above, heading, _ = page.partition(HEADING)
    assert heading, f"{PAGE} has no heading {HEADING!r}"
    rows = [
        [difference[key] for key in ("topic", "azure", "here", "advice")]
        for difference in tomllib.loads(data)["kept"]
    ]
    lines = "\n".join(table(_HEAD, rows)).rstrip()
    return f"{above}{HEADING}{_INTRODUCTION}\n{lines}\n"


def describe() -> str:
    """Return the whole page; only its last section is generated."""
    page, data = ((ROOT / name).read_text(encoding="utf-8") for name in (PAGE, DATA))
    return fill(page, data)
