"""A registration reads as many versions of a model with twice as many versions."""

import sqlite3
from dataclasses import replace
from pathlib import Path

from mlflow.store.model_registry.dbmodels.models import SqlModelVersion
from sqlalchemy import event

from function_app.adapters.local.registry import LocalRegistry, digest_of_folder
from function_app.domain.training import Judged, ModelVersion, Run, RunStatus
from tests.adapters.azure.test_registry import register, trained
from tests.adapters.test_local import Topic
from tests.azure_servers.azure import Azure, azure, sdk_warnings

__all__ = ["azure"]
pytestmark = sdk_warnings
RUN = Run(run_id="", model="m", status=RunStatus.COMPLETED, dataset_version="d", output_uri="")
JUDGED = Judged(evaluation_id="e", digest="", metrics={})
_COPY = """
WITH RECURSIVE numbers(n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?)
INSERT INTO {table} ({columns}) SELECT {values} FROM {table}, numbers WHERE version = 1
"""


def test_a_registration_on_this_machine_reads_few_versions(tmp_path: Path) -> None:
    assert versions_read(tmp_path / "a", 2_000) == versions_read(tmp_path / "b", 1_000) <= 10


def versions_read(state: Path, number: int) -> int:
    """Return how many versions a registration and its repetition read after this number of them."""
    registry = LocalRegistry(state, Topic())
    first = registered(registry, state, "first")
    with sqlite3.connect(state / "mlflow.db") as database:
        copy_version(database, "model_versions", number, "version")
        copy_version(database, "model_version_tags", number, "version")
        text = "UPDATE model_version_tags SET value = value || version WHERE key = 'run_id' "
        database.execute(f"{text} AND version > 1")
    database.close()
    read: list[object] = []

    def count(target: object, context: object) -> None:
        read.append(target)

    event.listen(SqlModelVersion, "load", count)
    try:
        made = registered(registry, state, "second")
        assert registered(registry, state, "second") == made
        assert registered(registry, state, "first") == first
    finally:
        event.remove(SqlModelVersion, "load", count)
    assert (first.version, made.version) == ("1", str(number + 1))
    return len(read)


def copy_version(database: sqlite3.Connection, table: str, number: int, column: str) -> None:
    """Store copies of the version 1 as the versions 2 to `number`."""
    columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
    values = ["n" if name == column else name for name in columns]
    text = _COPY.format(table=table, columns=", ".join(columns), values=", ".join(values))
    database.execute(text, [number])


def registered(registry: LocalRegistry, state: Path, name: str) -> ModelVersion:
    """Register the model of a training that wrote one file."""
    output, evaluation = state / "runs" / name / "model", state / "runs" / "e" / "evaluation"
    for folder in (output, evaluation):
        folder.mkdir(parents=True, exist_ok=True)
    (output / "model.skops").write_text(name)
    run = replace(RUN, run_id=name, output_uri=str(output))
    return registry.register(run, replace(JUDGED, digest=digest_of_folder(output)))


def test_a_registration_in_azure_lists_no_versions_after_the_first_one(azure: Azure) -> None:
    first = register(azure.registry(), trained(azure, "a"))
    [stored] = [rest for rest in azure.ml.resources if rest.endswith("/versions/1")]
    for number in range(2, 1_000):
        azure.ml.resources[f"{stored[:-1]}{number}"] = azure.ml.resources[stored]
    listed = len(lists(azure))

    second = register(azure.registry(), trained(azure, "b"))

    assert (first.version, second.version) == ("1", "1000")
    assert (listed, len(lists(azure))) == (1, 1)


def lists(azure: Azure) -> list[str]:
    """Return the paths of the requests that list every version of a model.

    The SDK also asks for the newest one, with `$top`.
    """
    asked = azure.arm.asked("GET", "/models/")
    return [r.path for r in asked if r.path.endswith("/versions") and "$top" not in r.query]
