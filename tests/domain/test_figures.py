import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from function_app.domain.text.figures import figure, figures, percent

FLOATS = st.floats(allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.1, "0.1"),
        (3295.714938, "3296"),
        (29074.48, "29074"),
        (0.0012345, "0.001234"),
        (0.1 + 0.2, "0.3"),
        (9.99999, "10"),
        (-4500.0, "-4500"),
        (0, "0"),
        (1.23456e-9, "1.235e-09"),
        (6.02214076e23, "6.022e+23"),
        (math.nan, "not a number"),
        (-math.inf, "-infinite"),
    ],
)
def test_a_number_has_four_significant_digits(value: float, text: str) -> None:
    assert figure(value) == text


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ((0.1023, 0.0987), ("0.1023", "0.0987")),
        ((0.100001, 0.100002), ("0.100001", "0.100002")),
        ((3295.71, 3295.74), ("3295.71", "3295.74")),
        ((1e-7, 0.0), ("1e-07", "0")),
        ((5.0, 5.0), ("5", "5")),
        ((math.nan, 1.0), ("not a number", "1")),
    ],
)
def test_numbers_that_differ_look_different(
    values: tuple[float, ...], texts: tuple[str, ...]
) -> None:
    assert figures(*values) == texts


@given(FLOATS, FLOATS)
def test_two_numbers_look_equal_only_if_they_are(one: float, other: float) -> None:
    first, second = figures(one, other)

    assert (first == second) is (one == other)


@given(st.floats(min_value=-1e300, max_value=1e300))
def test_a_figure_is_the_number_within_half_of_the_last_digit(value: float) -> None:
    assert float(figure(value)) == pytest.approx(value, rel=5.1e-4, abs=1e-320)


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.95, "95 %"),
        (0.995, "99.5 %"),
        (0.99999, "99.999 %"),
        (1.0, "100 %"),
        (0.07, "7 %"),
        (0.0, "0 %"),
    ],
)
def test_only_the_whole_is_a_hundred_percent(share: float, text: str) -> None:
    assert percent(share) == text
