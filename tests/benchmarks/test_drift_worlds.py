"""A small part of benchmarks/drift.py: streams that fool a test of single rows, and real drift."""

import numpy as np
import pytest

from benchmarks.drift import AUTOREGRESSIVE, FOOLING, Traffic, outcomes
from benchmarks.drift_worlds import Stream, alike, independent, shifted, watch_labels
from function_app.domain.drift.retraining import DriftPolicy

# All callers send with one key, so that only rows, requests and days can tell.
WEEK = Traffic(per_day=600, days=6, looks=4)


@pytest.mark.parametrize("stream", FOOLING.values(), ids=FOOLING.keys())
def test_traffic_that_fools_a_test_of_rows_causes_no_retraining(stream: Stream) -> None:
    _, now = outcomes(stream, 3, WEEK, 3)

    assert [outcome.retrained for outcome in now] == [None] * 3


@pytest.mark.parametrize(
    "stream", [AUTOREGRESSIVE, alike, independent], ids=["dependent", "alike", "independent"]
)
def test_rows_like_the_training_data_are_not_even_suspected(stream: Stream) -> None:
    _, now = outcomes(stream, 5, WEEK, 3)

    assert [outcome.suspected for outcome in now] == [None] * 5


@pytest.mark.parametrize("stream", [AUTOREGRESSIVE, alike], ids=["dependent", "alike"])
def test_dependent_rows_did_fool_a_test_of_rows(stream: Stream) -> None:
    before, _ = outcomes(stream, 3, WEEK, 3)

    assert any(outcome.retrained is not None for outcome in before)


def test_labels_show_a_tripled_error_before_and_after_the_first_labels() -> None:
    for peace in (0, 400):
        found = [
            watch_labels(np.random.default_rng(world), 442, 3.0, peace, 2000, DriftPolicy())
            for world in range(3)
        ]
        assert all(each is not None and each > 0 for each in found)


def test_a_small_shift_is_suspected_by_the_mean_rank_and_confirmed() -> None:
    _, now = outcomes(shifted(0.4), 2, Traffic(per_day=2000, days=6, looks=4), 3)

    assert all(outcome.retrained is not None for outcome in now)


@pytest.mark.parametrize("callers", [1, 3])
def test_drift_is_found_about_as_soon_as_by_rows_and_confirmed_on_the_next_days(
    callers: int,
) -> None:
    before, now = outcomes(shifted(1.0, callers), 3, Traffic(per_day=600, days=4, looks=24), 3)

    for old, new in zip(before, now, strict=True):
        assert old.suspected is not None
        assert new.suspected is not None
        assert new.suspected <= 2 * old.suspected
        # The suspicion on the first day, and one or two whole days after it.
        assert new.retrained is not None
        assert new.retrained <= 3 * 600 + 25
