"""The service accepts the dates that the data check accepts."""

import pytest

from platform_jobs.tables.dates import read_moment
from scoring.predictor import is_date


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("2024-02-29", True),
        ("2024-02-29T01:02", True),
        ("2024-02-29 01:02:03.000000000", True),
        ("2024-02-29T01:02:03,5Z", True),
        ("2024-02-29T01:00+0100", True),
        ("2023-02-29", False),
        ("2024-01-01T25:00", False),
        ("29.02.2024", False),
        ("20240229", False),
        ("2024-W09-4", False),
        ("2024-02-29T01:02:03.1234567890", False),
        ("2024-02-29 01:02 Z", False),
        ("2024-02-29\n", False),
        ("", False),
    ],
)
def test_both_read_the_same_dates(cell: str, expected: bool) -> None:
    assert is_date(cell) is expected
    # The data check reads cells without the blanks around them.
    assert (read_moment(cell) is not None) is (expected or cell == "2024-02-29\n")
