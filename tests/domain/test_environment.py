"""The inputs of a training beside rows, code and parameters, and their comparison."""

from datetime import UTC, datetime

from function_app.domain.codec import dump
from function_app.domain.lineage.environment import (
    INPUTS,
    RunEnvironment,
    described,
    differences,
    read_environment,
    unknown_inputs,
)

THEN = RunEnvironment(
    python="CPython 3.11.7",
    system="Linux x86_64 glibc 2.36",
    cpu="Xeon family 6 model 85",
    blas="numpy openblas 0.3.31 SkylakeX",
    threads="1",
    lock="a" * 64,
    packages="b" * 64,
    code="c" * 64,
    rows="d" * 64,
    command="sh model.sh",
    begun_at=datetime(2026, 1, 1, tzinfo=UTC),
)


def test_equal_environments_differ_in_nothing_whenever_they_began() -> None:
    now = read_environment({**dump(THEN), "begun_at": "2026-02-01T00:00:00+00:00"})

    assert now is not None
    assert now.begun_at != THEN.begun_at
    assert differences(THEN, now) == ()
    assert unknown_inputs(THEN, now) == ()


def test_each_input_that_differs_is_named_with_both_values() -> None:
    for name, words in INPUTS.items():
        now = read_environment({**dump(THEN), name: "0" * 64})
        assert now is not None

        [sentence] = differences(THEN, now)

        then = getattr(THEN, name)[:12] if len(getattr(THEN, name)) == 64 else getattr(THEN, name)
        assert words in sentence
        assert then in sentence
        assert "0" * 12 in sentence


def test_an_unknown_input_is_no_difference_and_is_named_as_unknown() -> None:
    now = read_environment({**dump(THEN), "blas": "", "cpu": ""})
    assert now is not None

    assert differences(THEN, now) == ()
    assert unknown_inputs(THEN, now) == ("BLAS kernel", "kind of CPU")
    assert set(described(THEN)) - set(described(now)) == {"blas", "cpu"}


def test_a_record_that_is_absent_or_garbled_is_no_environment() -> None:
    for content in (None, {}, {"python": 3}, {"begun_at": "yesterday"}):
        assert read_environment(content) is None


def test_a_record_from_a_job_fills_neither_the_memory_nor_the_screen() -> None:
    found = read_environment({"python": "x" * 10_000, "cpu": "one\ntwo\x1b[31m"})

    assert found is not None
    assert len(found.python) <= 300
    assert "\n" not in found.cpu
    assert "\x1b" not in found.cpu
