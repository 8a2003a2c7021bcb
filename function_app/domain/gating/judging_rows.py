"""The rows that judge a challenger: how many are left, and the sentences about the others."""


def describe_rows(left_out: int, recalled: int, known: bool | None, folds: int) -> tuple[str, ...]:
    """Return sentences on the rows that judge, () when there is nothing to say.

    `left_out` rows do not judge, because the champion was trained on them. `recalled` rows judge by
    answers of the champion's cross-fitting. `known` is False when the champion's training rows are
    unknown. With more than one of the `folds` the challenger was cross-fitted.
    """
    sentences = []
    if folds > 1:
        sentences.append(
            f"Each row was answered by a model that was trained without its fold, of {folds} folds."
        )
    if known is False:
        sentences.append(
            "The champion's training rows are unknown, because an earlier version of this app "
            "registered it. Only rows that this version held out from every training judge."
        )
    if left_out and known is not False:
        sentences.append(f"Left out, because the champion was trained on them: {_rows(left_out)}.")
    if recalled:
        sentences.append(
            "Judged by answers from the champion's own cross-fitting, because the champion was "
            f"trained on them: {_rows(recalled)}."
        )
    return tuple(sentences)


def too_few(rows: int, least: int) -> str:
    """Return the reason that a comparison on so few rows decides nothing."""
    return (
        f"Too few rows are left to compare with the champion by: {rows}, and `min_judging_rows` "
        f"asks for {least}. Send rows that are new."
    )


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count} rows"
