"""The verdict of a reproduction: the same bytes, or the predictions and the input that differs."""

from dataclasses import replace

import pytest

from function_app.domain.codec import dump
from function_app.domain.lineage.environment import RunEnvironment, read_environment
from function_app.domain.lineage.reproduction import (
    Compared,
    ReproductionOutcome,
    judged_reproduction,
)
from tests.domain.test_environment import THEN
from tests.domain.test_lineage import DIGEST, VERSION

OTHER = "0" * 64
FOUND = Compared(
    version=VERSION, digest=DIGEST, before=THEN, now=THEN, rows=89, largest_difference=0.0
)


def text_of(found: Compared) -> tuple[ReproductionOutcome, str]:
    result = judged_reproduction(found, "reproduce-1")
    assert result.digest == found.digest
    assert result.run_id == "reproduce-1"
    return result.outcome, " ".join(result.reasons)


def test_equal_digests_are_the_same_bytes_and_need_no_cause() -> None:
    outcome, text = text_of(FOUND)

    assert outcome is ReproductionOutcome.SAME
    assert DIGEST in text
    assert "differ" not in text


def test_the_same_bytes_on_another_machine_name_the_input_without_effect() -> None:
    outcome, text = text_of(replace(FOUND, now=replace(THEN, cpu="EPYC")))

    assert outcome is ReproductionOutcome.SAME
    assert "kind of CPU differs" in text
    assert "do not depend on it" in text


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"lock": OTHER}, "lock of the packages"),
        ({"blas": "numpy openblas 0.3.31 Haswell"}, "BLAS kernel"),
        ({"cpu": "EPYC"}, "kind of CPU"),
        ({"python": "CPython 3.12.1"}, "Python"),
        ({"rows": OTHER}, "training's rows"),
        ({"threads": "2"}, "number of threads"),
    ],
)
def test_other_bytes_name_the_input_that_differs(changed: dict[str, str], words: str) -> None:
    then = replace(THEN, rows="a" * 64)
    now = read_environment({**dump(then), **changed})

    outcome, text = text_of(replace(FOUND, digest=OTHER, before=then, now=now))

    assert outcome is ReproductionOutcome.DIFFERENT
    assert words in text
    assert text.count("then,") == 1


def test_other_bytes_say_how_far_the_predictions_are_apart() -> None:
    near = replace(FOUND, digest=OTHER, largest_difference=1.25e-11)

    assert "differ by at most 1.25e-11" in text_of(near)[1]
    assert "predict the same for all 89" in text_of(replace(near, largest_difference=0.0))[1]
    for unknown in (None, float("nan"), float("inf")):
        text = text_of(replace(near, largest_difference=unknown))[1]
        assert "could not be compared" in text


def test_without_a_differing_input_the_training_itself_is_named() -> None:
    then = replace(THEN, rows="a" * 64)
    text = text_of(replace(FOUND, digest=OTHER, before=then, now=then))[1]

    assert "Set its seeds" in text


def test_inputs_that_were_not_recorded_are_named_instead_of_guessed() -> None:
    for before in (None, RunEnvironment(python="CPython 3.11.7")):
        text = text_of(replace(FOUND, digest=OTHER, before=before))[1]

        assert "Not recorded for both" in text
        assert "BLAS kernel" in text
        assert "Set its seeds" not in text
