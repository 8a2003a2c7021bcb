"""Comparisons of a model's challengers are counted once each."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from function_app.errors import PlatformError
from function_app.ports.rows import Delete, Put, RowsChangedError
from function_app.records.ledger import looks
from function_app.records.ledger.ledger import StoredLedger
from tests.contracts.memory_rows import MemoryRows


def test_each_comparison_has_the_next_number_of_its_model() -> None:
    rows = MemoryRows()

    numbers = [looks.count(rows, "diabetes", f"train-{n}-vs-1") for n in range(3)]

    assert numbers == [1, 2, 3]
    assert looks.count(rows, "churn", "train-0-vs-1") == 1
    assert looks.count(rows, "diabetes2", "train-0-vs-1") == 1


def test_a_repeated_comparison_keeps_its_number_and_spends_nothing() -> None:
    rows = MemoryRows()
    first = looks.count(rows, "diabetes", "a-vs-1")
    looks.count(rows, "diabetes", "b-vs-1")

    assert looks.count(rows, "diabetes", "a-vs-1") == first
    assert looks.count(rows, "diabetes", "c-vs-1") == 3


def test_comparisons_at_the_same_time_have_different_numbers() -> None:
    rows = MemoryRows()

    with ThreadPoolExecutor(8) as pool:
        names = [f"r{n}-vs-1" for n in range(24)]
        numbers = list(pool.map(lambda name: looks.count(rows, "diabetes", name), names))

    assert sorted(numbers) == list(range(1, 25))


class LostAnswers(MemoryRows):
    """Rows whose first write succeeds and reports a conflict, as a repeated request does."""

    lost = False

    def write(self, partition: str, changes: Sequence[Put | Delete]) -> None:
        super().write(partition, changes)
        if not self.lost:
            self.lost = True
            raise RowsChangedError("Another writer changed a row.")


def test_a_write_whose_answer_was_lost_counts_once() -> None:
    rows = LostAnswers()

    assert looks.count(rows, "diabetes", "a-vs-1") == 1
    assert looks.count(rows, "diabetes", "b-vs-1") == 2


def test_a_damaged_count_stops_the_comparison() -> None:
    rows = MemoryRows()
    rows.write(looks.LOOKS, [Put(key="look/diabetes/", content={"number": "many"})])

    with pytest.raises(PlatformError, match="Restore the records"):
        looks.count(rows, "diabetes", "a-vs-1")


def test_a_damaged_count_is_listed_with_its_effect() -> None:
    rows = MemoryRows()
    looks.count(rows, "churn", "a-vs-1")
    rows.write(looks.LOOKS, [Put(key="look/diabetes/", content={"number": "many"})])

    ((name, problem),) = StoredLedger(rows).list_damaged()

    assert name == "comparisons look/diabetes/"
    assert problem.endswith("Trainings of the model fail until it is restored.")
