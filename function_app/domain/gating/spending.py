"""Alpha spending: the levels of a model's comparisons add up to one budget, however many there are.

A look is one comparison of a challenger with the champion. Each look is a test that can promote a
model that is no better. The probability of ever doing so is at most the sum of the levels of all
looks (Bonferroni's inequality, which holds for dependent looks, too). A fixed sequence of levels
whose sum is the budget is called Alpha-Spending: Tian and Ramdas, "Online control of the familywise
error rate", Statistical Methods in Medical Research 30 (2021), section 2.
"""

# The looks of about three years of nightly retrainings share most of the budget evenly.
EVEN_LOOKS = 1_000
# Shares of the budget; they add up to 1.
EVEN, EARLY, LATE = 0.80, 0.15, 0.05


def spent_share(look: int) -> float:
    """Return the share of the error budget that look number `look`, counted from 1, may spend.

    The shares of all looks add up to 1. Looks 1 to EVEN_LOOKS share EVEN evenly. EARLY is spent as
    1 / (k (k + 1)), so that the first looks have more power. LATE is spent after EVEN_LOOKS as
    EVEN_LOOKS / (k (k - 1)). ValueError for a look below 1.
    """
    if look < 1:
        raise ValueError(f"A look has a number from 1, not {look}.")
    early = EARLY / (look * (look + 1))
    if look <= EVEN_LOOKS:
        return EVEN / EVEN_LOOKS + early
    return LATE * EVEN_LOOKS / (look * (look - 1)) + early


def spent_until(look: int) -> float:
    """Return the share of the error budget that looks 1 to `look` have spent together; 0 for none.

    The sums of 1 / (k (k + 1)) and of 1 / (k (k - 1)) telescope.
    """
    if look < 1:
        return 0.0
    early = EARLY * (1.0 - 1.0 / (look + 1))
    even = EVEN * min(look, EVEN_LOOKS) / EVEN_LOOKS
    late = LATE * EVEN_LOOKS * (1.0 / EVEN_LOOKS - 1.0 / max(look, EVEN_LOOKS))
    return early + even + late


def level_of(look: int, budget: float) -> float:
    """Return the level of a look: the probability with which it may promote a model wrongly.

    `budget` is that probability over all looks of a model, above 0 and below 1.
    """
    return budget * spent_share(look)
