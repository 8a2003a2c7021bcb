"""Verdicts of the gate of trainings, one row for each evaluation, for the approvers to see."""

from function_app.domain.codec import dump, load
from function_app.domain.gates import GateResult
from function_app.errors import ContractError
from function_app.ports import Rows
from function_app.ports.rows import Put
from function_app.records.changing import until_unchanged
from function_app.records.readable import log_unreadable

VERDICTS = "verdicts"


def save(rows: Rows, evaluation_id: str, result: GateResult) -> None:
    """Store the verdict of an evaluation; a repeated judgement replaces it."""

    def attempt() -> None:
        stored = rows.get(VERDICTS, evaluation_id)
        etag = stored.etag if stored else None
        rows.write(VERDICTS, [Put(key=evaluation_id, content=dump(result), etag=etag)])

    until_unchanged("store a verdict", attempt)


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
