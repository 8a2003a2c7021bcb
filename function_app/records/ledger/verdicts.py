"""Verdicts of the gate of trainings, and the last fault that one found in a champion.

A verdict has a row under the id of its evaluation, a champion one under its model.
"""

from typing import Any

from function_app.domain.codec import dump, load
from function_app.domain.gates import GatePolicy, GateResult
from function_app.domain.text.plain_text import one_line
from function_app.domain.training import is_attempt_of
from function_app.errors import ContractError
from function_app.ports import Rows
from function_app.ports.rows import Put
from function_app.records.changing import until_unchanged
from function_app.records.readable import log_unreadable

VERDICTS, CHAMPIONS = "verdicts", "champion faults"
_POLICY = "policy"  # the field of a verdict's row beside those of the verdict


def save(
    rows: Rows, evaluation_id: str, result: GateResult, policy: GatePolicy | None = None
) -> None:
    """Store the verdict of an evaluation and its policy; a repeated judgement replaces both."""
    _replace(rows, VERDICTS, evaluation_id, {**dump(result), _POLICY: dump(policy)})


def find(rows: Rows, evaluation_id: str) -> GateResult | None:
    """Return the verdict of an evaluation, None when none is stored or it cannot be read."""
    row = rows.get(VERDICTS, evaluation_id) if evaluation_id else None
    if row is None:
        return None
    try:
        return load(GateResult, row.content)
    except ContractError as error:
        log_unreadable(f"verdict {evaluation_id}", error)
        return None


def find_passed(rows: Rows, evaluation_id: str) -> str:
    """Return the id of the attempt at this evaluation whose verdict passed, "" for none."""
    if not evaluation_id:
        return ""
    keys = [row.key for row in rows.query(VERDICTS, evaluation_id)]
    attempts = (key for key in keys if is_attempt_of(key, evaluation_id))
    return next((key for key in attempts if (v := find(rows, key)) is not None and v.passed), "")


def find_policy(rows: Rows, evaluation_id: str) -> GatePolicy | None:
    """Return the policy by which an evaluation was judged, None when none is stored.

    A verdict of an earlier version of this app has none.
    """
    row = rows.get(VERDICTS, evaluation_id) if evaluation_id else None
    try:
        return load(GatePolicy, row.content[_POLICY]) if row and row.content.get(_POLICY) else None
    except ContractError as error:
        log_unreadable(f"policy of the verdict {evaluation_id}", error)
        return None


def save_fault(rows: Rows, model: str, version: str, fault: str) -> None:
    """Store the fault that the last comparison found in a champion, "" for none."""
    _replace(rows, CHAMPIONS, model, {"version": version, "fault": fault})


def find_fault(rows: Rows, model: str, version: str) -> str:
    """Return the fault that the last comparison found in this champion, "" for none."""
    row = rows.get(CHAMPIONS, model)
    if row is None or row.content.get("version") != version:
        return ""
    return one_line(str(row.content.get("fault", "")))


def _replace(rows: Rows, partition: str, key: str, content: dict[str, Any]) -> None:
    def attempt() -> None:
        stored = rows.get(partition, key)
        etag = stored.etag if stored else None
        rows.write(partition, [Put(key=key, content=content, etag=etag)])

    until_unchanged("store a verdict", attempt)
