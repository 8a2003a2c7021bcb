"""Queries are valid Kusto over the tables that Azure has, by Microsoft's own language service.

Columns and types are those of "Azure Monitor Logs reference" and, for the first two tables, of
Application Insights' own names ("Workspace-based resources: table schemas").
"""

import json
import subprocess
from pathlib import Path

import pytest

from tests.infra.conftest import ROOT
from tests.npm import NotInstalledError, install

QUERIES = sorted((ROOT / "infra" / "queries").glob("*.kql"))
VERSION = "12.4.1"


def complaints(*queries: Path) -> dict[str, list[str]]:
    try:
        service = install("@kusto/language-service-next", VERSION)
    except NotInstalledError as reason:
        pytest.skip(str(reason))
    program, tables = Path(__file__).with_name("kusto.js"), ROOT / "infra/queries/tables.json"
    done = subprocess.run(
        ["node", str(program), str(service), str(tables), *map(str, queries)],
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, list[str]] = json.loads(done.stdout)
    return found


def test_every_query_is_one_over_tables_that_azure_has() -> None:
    assert complaints(*QUERIES) == {path.name: [] for path in QUERIES}


@pytest.mark.parametrize(
    ("query", "complaint"),
    [
        ("traces | where severity > 2", "does not refer to any known"),
        ("StorageBlobLogs | where StatusCode between (200 .. 299)", "not defined for the operand"),
        ("traces | sumarize count()", "expected"),
        ("traces | extend kind = 1 | where kind == 1", "needs to be bracketed"),
    ],
)
def test_queries_that_azure_would_refuse_are_found(
    query: str, complaint: str, tmp_path: Path
) -> None:
    path = tmp_path / "wrong.kql"
    path.write_text(query)

    assert any(complaint in text for text in complaints(path)["wrong.kql"])
