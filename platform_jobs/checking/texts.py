"""Figures in the texts of a data check."""


def number(value: float) -> str:
    """Return a number with 3 significant digits."""
    return f"{value:.3g}"


def share(count: int, rows: int) -> str:
    """Return a share of rows in percent."""
    return f"{100.0 * count / rows:.3g} %"


def change(ratio: float) -> str:
    """Return a figure as a change of another one, such as `12 % lower`, from the ratio of both."""
    return f"{100.0 * abs(ratio - 1.0):.3g} % {'higher' if ratio > 1.0 else 'lower'}"
