"""The split of rows into those that train and those that judge, by their content."""

import random
from collections import Counter

import pytest

from platform_jobs.splitting.split import Split, split_rows
from platform_jobs.tables.tables import Table

COLUMNS = ("patient", "a", "Y")
ROWS = tuple((f"p{n % 60}", str(n), str(n % 7)) for n in range(600))


def split(rows: tuple[tuple[str, ...], ...] = ROWS, folds: int = 1, group: str = "") -> Split:
    return split_rows(Table(columns=COLUMNS, rows=rows), "m", group=group, folds=folds)


def patients(rows: tuple[tuple[str, ...], ...]) -> set[str]:
    return {row[0] for row in rows}


def test_a_group_falls_on_one_side() -> None:
    apart, together = split(), split(group="patient")

    assert patients(apart.seen.rows) & patients(apart.judging.rows)
    assert not patients(together.seen.rows) & patients(together.judging.rows)
    assert 0 < len(together.judging.rows) < len(ROWS) / 2
    assert sorted(together.seen.rows + together.judging.rows) == sorted(ROWS)


def test_a_group_keeps_its_side_in_a_file_that_grew() -> None:
    first, grown = split(ROWS[:200], group="patient"), split(group="patient")

    assert patients(first.judging.rows) <= patients(grown.judging.rows)


def test_rows_without_a_group_are_split_one_by_one() -> None:
    nobodies = tuple(("", a, y) for _, a, y in ROWS)

    assert split(nobodies, group="patient").judging == split(nobodies).judging


@pytest.mark.parametrize("group", ["", "patient"])
@pytest.mark.parametrize("folds", [2, 5, 600])
def test_each_row_is_answered_by_a_model_that_was_trained_without_its_group(
    folds: int, group: str
) -> None:
    made = split(folds=folds, group=group)

    assert sorted(made.seen.rows) == sorted(made.judging.rows) == sorted(ROWS)
    assert made.fold_count == min(folds, 60 if group else 600)
    answered: list[tuple[str, ...]] = []
    for fold in range(made.fold_count):
        training, asked = made.training(fold).rows, made.asked(fold).rows
        assert sorted(training + asked) == sorted(ROWS)
        assert asked
        if group:
            assert not patients(training) & patients(asked)
        answered += asked
    assert sorted(answered) == sorted(ROWS)


def test_folds_have_equal_sizes_to_one_row() -> None:
    sizes = Counter(split(folds=7).folds).values()

    assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize("folds", [1, 5])
def test_a_repeated_row_judges_once_and_trains_as_often_as_it_came(folds: int) -> None:
    twice = tuple(
        row for patient, a, y in ROWS for row in ((patient, a, y), (patient, f"{a}.0", y))
    )
    once, made = split(folds=folds), split(twice, folds=folds)

    assert made.hashes == once.hashes
    assert len(made.seen.rows) == 2 * len(once.seen.rows)
    assert made.seen_hashes == once.seen_hashes
    assert (once.repeated, made.repeated) == (0, len(ROWS))
    for fold in range(made.fold_count if folds > 1 else 0):
        assert not set(made.training(fold).rows) & set(made.asked(fold).rows)


@pytest.mark.parametrize("folds", [1, 5])
def test_the_order_of_rows_and_columns_changes_no_split(folds: int) -> None:
    shuffled = tuple(random.Random(1).sample(ROWS, len(ROWS)))
    turned = Table(columns=COLUMNS[::-1], rows=tuple(row[::-1] for row in ROWS))

    assert split(shuffled, folds) == split(folds=folds)
    assert split_rows(turned, "m", folds=folds).hashes == split(folds=folds).hashes


def test_the_hashes_of_trained_rows_and_groups_are_sorted_without_judging_rows() -> None:
    made = split(group="patient")

    assert list(made.seen_hashes) == sorted(set(made.seen_hashes))
    assert not set(made.seen_hashes) & {*made.hashes, *made.groups}
    assert len(made.seen_hashes) == len(made.seen.rows) + len(patients(made.seen.rows))


@pytest.mark.parametrize("folds", [2, 5])
def test_rows_that_are_all_equal_cannot_both_train_and_judge(folds: int) -> None:
    made = split((ROWS[0],) * 80, folds=folds)

    assert (made.fold_count, len(made.judging.rows), made.repeated) == (1, 0, 79)
