"""Figures in the texts of a data check."""


def number(value: float) -> str:
    """Return a number with 3 significant digits."""
    return f"{value:.3g}"


def share(count: int, rows: int) -> str:
    """Return a share of rows in percent."""
    return f"{100.0 * count / rows:.3g} %"
