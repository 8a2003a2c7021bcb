"""Numbers in texts for people: as short as possible, but different numbers have different texts."""

import math
from decimal import Decimal

DIGITS = 4
# A float is known exactly by 17 significant digits.
_EXACT = 17
# Outside of these powers of ten an exponent is easier to read than zeros.
_SMALLEST, _LARGEST = -5, 15


def figure(value: float) -> str:
    """Return the number with 4 significant digits; all digits before the point are kept."""
    return figures(value)[0]


def figures(*values: float) -> tuple[str, ...]:
    """Return texts of numbers that stand beside each other in a sentence.

    Each has 4 significant digits, or as many more as distinguish numbers that differ.
    """
    different = len({_key(value) for value in values})
    for digits in range(DIGITS, _EXACT):
        texts = tuple(_text(value, digits) for value in values)
        if len(set(texts)) == different:
            return texts
    return tuple(_text(value, _EXACT) for value in values)


def percent(share: float) -> str:
    """Return a share between 0 and 1 in percent; only 1 itself is 100 %."""
    # Decimal, because 0.07 * 100 is 7.000000000000001.
    return f"{figures(float(Decimal(repr(share)) * 100), 100.0)[0]} %"


def _key(value: float) -> object:
    return "nan" if math.isnan(value) else value


def _text(value: float, digits: int) -> str:
    if math.isnan(value):
        return "not a number"
    if math.isinf(value):
        return "infinite" if value > 0 else "-infinite"
    if value == 0:
        return "0"
    power = math.floor(math.log10(abs(value)))
    if not _SMALLEST <= power < _LARGEST:
        mantissa, _, exponent = f"{value:.{digits - 1}e}".partition("e")
        return f"{_trimmed(mantissa)}e{exponent}"
    return _trimmed(f"{value:.{max(0, digits - 1 - power)}f}")


def _trimmed(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text
