"""Reads the data that arrived: figures for the data gate, and the folders of rows.

A training gets `seen/` and nothing else; `held_out/` goes to the evaluation, and `asked/`, its
features without the target, to a predict that runs in a job of its own.
"""

from collections.abc import Sequence
from pathlib import Path

from platform_jobs.checking.data_check import check_table, read_earlier, write_report
from platform_jobs.checking.names import map_columns
from platform_jobs.checking.report import Content
from platform_jobs.errors import ContractError
from platform_jobs.files import write_json
from platform_jobs.limits import out_of_memory
from platform_jobs.models.asking import ASKED, write_asked
from platform_jobs.profile import profile_table
from platform_jobs.split import split_rows
from platform_jobs.tables.tables import Table, scan_table, write_table
from platform_jobs.tables.words import Words, label_faults

PREPARED, ROWS, SCHEMA = "prepared.json", "rows.csv", "schema.json"
SEEN, HELD_OUT = "seen", "held_out"


def prepare(
    data: Path,
    target: str,
    key: str,
    out: Path,
    schema: Sequence[str] = (),
    reference: Path | None = None,
    *,
    words: Words | None = None,
) -> Content:
    """Write `prepared.json`, the report and the folders of rows below `out`; return the content.

    `schema` are the columns of mlops.toml, to which the header is mapped; () maps nothing.
    The rows are compared with those of `reference`, when there is one.
    `words` are the columns whose cells may be words; without them each column has numbers.
    A file that is no table is a result, not a fault: `refused` says why and `profile` is None. A
    file with faults, or without the target, gets its figures and no rows, because the data gate
    refuses it with all faults at once.
    """
    try:
        content = _prepare(data, target, key, out, schema, reference, words or Words())
    except ContractError as error:
        content = {"refused": str(error), "profile": None}
    except MemoryError:
        content = {"refused": str(out_of_memory()), "profile": None}
    out.mkdir(parents=True, exist_ok=True)
    write_report(content, out)
    # Written last, so that a reader who finds this file finds the rows too.
    write_json(out / PREPARED, content)
    return content


def _prepare(
    data: Path,
    target: str,
    key: str,
    out: Path,
    schema: Sequence[str],
    reference: Path | None,
    words: Words,
) -> Content:
    earlier = read_earlier(reference, schema) if reference else None
    table = map_columns(scan_table(data), schema)
    profile = profile_table(table)
    profile["faults"] += label_faults(table, target, words.labels)
    content: Content = {"refused": "", "profile": profile}
    if earlier is not None:
        content |= check_table(table, earlier, target)
    if target in table.columns and not profile["faults"]:
        seen, held_out = split_rows(table, key)
        write_rows(out / SEEN, seen, target, words=words)
        write_rows(out / HELD_OUT, held_out, target, words=words)
        write_asked(out / ASKED, held_out, target, labels=words.labels)
        content |= {"seen": len(seen.rows), "held_out": len(held_out.rows)}
    return content


def write_rows(folder: Path, table: Table, target: str, *, words: Words | None = None) -> None:
    """Write a folder of rows as a training gets it: rows.csv and schema.json."""
    folder.mkdir(parents=True, exist_ok=True)
    write_table(folder / ROWS, table)
    features = [name for name in table.columns if name != target]
    schema = {
        "columns": list(table.columns),
        "features": features,
        "target": target,
        "rows": len(table.rows),
        **(words or Words()).describe(features, target),
    }
    write_json(folder / SCHEMA, schema)
