"""The records of a model's newest data, with the time of its arrival, and of its reference."""

from collections.abc import Mapping
from typing import Any

from function_app.domain.codec import dump, load
from function_app.domain.events.arrivals import MIB, Arrival, FileLimit, is_older
from function_app.domain.training import Dataset, Reference
from function_app.errors import ContractError

ARRIVAL = "arrival"
# The rows that a model's own code writes as its sample; in Azure the app holds them in memory.
SAMPLE_LIMIT = FileLimit(most=200 * MIB)


def accepted(
    stored: Mapping[str, Any], dataset: Dataset, arrival: Arrival | None
) -> dict[str, Any] | None:
    """Return the record to write; None when the stored one is of data that arrived later.

    A record that is garbled, or that an earlier version of this app wrote, is replaced.
    """
    try:
        before = load(Arrival, stored.get(ARRIVAL))
    except ContractError:
        before = None
    if arrival is not None and before is not None and is_older(arrival, before):
        return None
    record: dict[str, Any] = {**dump(dataset), ARRIVAL: dump(arrival or before)}
    return record


def read_reference(content: Any, where: str) -> Reference:
    """Return the reference data of a record; ContractError when it is garbled.

    The error names `where`.
    """
    try:
        return load(Reference, content)
    except ContractError as error:
        text = f"{where} does not name the reference data any more. Delete or restore it."
        raise ContractError(text) from error
