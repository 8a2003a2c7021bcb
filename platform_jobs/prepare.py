"""Reads the data that arrived: figures for the data gate, and the folders of rows.

A training gets `seen/` and nothing else; `held_out/` goes to the evaluation, and `asked/`, its
features without the target, to a predict that runs in a job of its own. With folds the training
gets `seen/all/`, and the model of fold 1 is trained on `seen/1/` and answers `asked/1/`; all other
models answer `asked/all/`.
"""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from platform_jobs.checking.data_check import (
    check_plain,
    check_table,
    read_earlier,
    read_large,
    uncompared,
    write_report,
)
from platform_jobs.checking.dates import date_faults
from platform_jobs.checking.names import map_columns
from platform_jobs.checking.report import Content
from platform_jobs.errors import ContractError
from platform_jobs.files import write_json
from platform_jobs.limits import out_of_memory
from platform_jobs.models.asking import ASKED, write_asked
from platform_jobs.profile import profile_table
from platform_jobs.splitting.hashes import (
    FOLDS,
    GROUP_HASHES,
    ROW_HASHES,
    SEEN_HASHES,
    write_hashes,
)
from platform_jobs.splitting.held_out import ROWS, SCHEMA
from platform_jobs.splitting.split import Split, split_rows
from platform_jobs.tables.dates import read_moments
from platform_jobs.tables.tables import Table, scan_table, write_table
from platform_jobs.tables.words import Words, label_faults, label_notes

if TYPE_CHECKING:
    from platform_jobs.large.fast_reader import Plain

PREPARED = "prepared.json"
SEEN, HELD_OUT, ALL = "seen", "held_out", "all"


def prepare(
    data: Path,
    target: str,
    key: str,
    out: Path,
    schema: Sequence[str] = (),
    reference: Path | None = None,
    *,
    words: Words | None = None,
    group: str = "",
    folds: int = 1,
    now: datetime | None = None,
) -> Content:
    """Write `prepared.json`, the report and the folders of rows below `out`; return the content.

    `schema` are the columns of mlops.toml, to which the header is mapped; () maps nothing.
    The rows are compared with those of `reference`, when there is one. `words` are the columns
    whose cells may be words or dates; without them each column has numbers. Dates after `now`, by
    default the time of the clock, are a fault where `words` does not permit them. Rows
    with an equal cell in the column `group` stay together. With one fold a fifth of the rows
    judges; with more folds all rows do, each by the model of a training without its fold.

    A file that cannot be read as a table is a result and no error: `refused` has the reason and
    `profile` is None. A file with faults, or without the target, gets its figures and no rows,
    because the data gate refuses it with all faults at once.
    """
    try:
        words = words or Words()
        out.mkdir(parents=True, exist_ok=True)
        plain = read_large(data, schema, out) if words == Words() and not group else None
        if plain is not None and target in plain.columns:
            content = _prepare_large(plain, target, key, out, reference, schema, folds)
            return _written(content, out)
        del plain
        content = _prepare(
            data, target, schema, reference, words, group, now or datetime.now(UTC), out
        )
        table = content.pop("table")
        if {target, group or target} <= {*table.columns} and not content["profile"]["faults"]:
            split = split_rows(table, key, group=group, folds=folds)
            _write_split(out, split, target, group, words)
            content |= {
                "seen": len(split.seen.rows),
                "held_out": len(split.judging.rows),
                "folds": split.fold_count,
                "repeated": split.repeated,
            }
    except ContractError as error:
        content = {"refused": str(error), "profile": None}
    except MemoryError:
        content = {"refused": str(out_of_memory()), "profile": None}
    return _written(content, out)


def _written(content: Content, out: Path) -> Content:
    out.mkdir(parents=True, exist_ok=True)
    write_report(content, out)
    # Written last, so that a reader who finds this file finds the rows too.
    write_json(out / PREPARED, content)
    return content


def _prepare(
    data: Path,
    target: str,
    schema: Sequence[str],
    reference: Path | None,
    words: Words,
    group: str,
    now: datetime,
    out: Path,
) -> Content:
    earlier = read_earlier(reference, schema, words.dates, scratch=out) if reference else None
    table = map_columns(scan_table(data), schema)
    moments = read_moments(table, words.dates)
    profile = profile_table(table, moments)
    profile["faults"] += label_faults(table, target, words.labels)
    profile["notes"] += label_notes(table, target, words.labels)
    content: Content = {"refused": "", "profile": profile, "table": table}
    if earlier is not None:
        content |= check_table(table, earlier, target, group, moments, labels=words.labels)
    if faults := [asdict(one) for one in date_faults(table, moments, words.future_dates, now)]:
        check = content.setdefault("check", uncompared([]))
        check["findings"] = [*faults, *check["findings"]]
    return content


def _prepare_large(
    plain: "Plain",
    target: str,
    key: str,
    out: Path,
    reference: Path | None,
    schema: Sequence[str],
    folds: int,
) -> Content:
    """Return the content of `prepare`, and write its folders, by arrays.

    The reference data leaves the memory before the rows are written.
    """
    from platform_jobs.large.fast_reader import profile_plain
    from platform_jobs.large.folders import Folders
    from platform_jobs.large.hashing import row_hashes
    from platform_jobs.large.split import split_plain

    content: Content = {
        "refused": "",
        "profile": profile_plain(plain.columns, plain.values, plain.notes),
    }
    if reference:
        content |= check_plain(plain, read_earlier(reference, schema, scratch=out), target)
    split = split_plain(plain, row_hashes(plain, key), folds)
    Folders(plain, target, out).write(split, SEEN, HELD_OUT, ALL)
    return content | {
        "seen": len(split.seen),
        "held_out": len(split.judging),
        "folds": split.fold_count,
        "repeated": split.repeated,
    }


def _write_split(out: Path, split: Split, target: str, group: str, words: Words) -> None:
    def write(part: str, seen: Table, asked: Table) -> None:
        write_rows(out / SEEN / part, seen, target, group, words=words)
        write_asked(out / ASKED / part, asked, target, group, labels=words.labels)

    held_out = out / HELD_OUT
    write_rows(held_out, split.judging, target, group, words=words)
    write_hashes(held_out / ROW_HASHES, split.hashes)
    write_hashes(held_out / GROUP_HASHES, split.groups)
    write_hashes(held_out / FOLDS, split.folds)
    write_hashes(held_out / SEEN_HASHES, split.seen_hashes)
    write(ALL if split.fold_count > 1 else "", split.seen, split.judging)
    for fold in range(split.fold_count) if split.fold_count > 1 else ():
        write(str(fold + 1), split.training(fold), split.asked(fold))


def write_rows(
    folder: Path, table: Table, target: str, group: str = "", *, words: Words | None = None
) -> None:
    """Write a folder of rows as a training gets it: rows.csv and schema.json.

    A column of groups is no feature: a group of later rows is another one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_table(folder / ROWS, table)
    features = [name for name in table.columns if name not in (target, group)]
    schema: dict[str, object] = {
        "columns": list(table.columns),
        "features": features,
        "target": target,
        "rows": len(table.rows),
        **(words or Words()).describe(features, target),
    }
    if group:
        schema["group"] = group
    write_json(folder / SCHEMA, schema)
