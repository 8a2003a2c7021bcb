"""Wrong arguments of a job end it with code 2 and a text that names the rule."""

from pathlib import Path

import pytest

from platform_jobs.__main__ import main

PREPARE = ["prepare", "--data", "d.csv", "--target", "Y", "--key", "m", "--out", "out"]
JUDGE = ["judge", "--held-out", "h", "--challenger", "c", "--answers", "a", "--out", "out"]
ASK = ["ask", "--module", "m", "--name", "n", "--rows", "r", "--asked", "a", "--out", "out"]


@pytest.mark.parametrize(
    ("words", "rule"),
    [
        ([*PREPARE, "--folds", "0"], "'0' is not a whole number of at least 1"),
        ([*PREPARE, "--folds", "-3"], "'-3' is not a whole number of at least 1"),
        ([*PREPARE, "--folds", "2.5"], "'2.5' is not a whole number of at least 1"),
        ([*ASK, "--timeout", "nan"], "'nan' is not a number of seconds above 0"),
        ([*ASK, "--timeout", "0"], "'0' is not a number of seconds above 0"),
        ([*ASK, "--timeout", "inf"], "'inf' is not a number of seconds above 0"),
        ([*ASK, "--timeout", "soon"], "'soon' is not a number of seconds above 0"),
        ([*JUDGE, "--level", "nan"], "'nan' is not above 0 and at most 0.5"),
        ([*JUDGE, "--level", "0.6"], "'0.6' is not above 0 and at most 0.5"),
        ([*JUDGE, "--look", "-1"], "'-1' is not a whole number of at least 0"),
        ([*JUDGE, "--tolerance", "nan"], "'nan' is not a number of at least 0"),
        ([*ASK, "--key", "secret"], "the key is not an even number of hex digits"),
    ],
)
def test_an_argument_that_breaks_its_rule_is_refused(
    words: list[str], rule: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)

    assert ended.value.code == 2
    assert rule in capsys.readouterr().err


def test_a_refused_key_is_not_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([*ASK, "--key", "0123x"])

    assert "0123x" not in capsys.readouterr().err


def test_a_digest_without_its_reference_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main([*PREPARE[:-1], str(tmp_path), "--reference-digest", "0" * 64])

    assert code == 2
    assert "--reference-digest has no file. Give it by --reference." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "rule"),
    [
        (["pinball", "--quantile", "2"], "quantile = 2.0: it must be above 0 and below 1."),
        (["f_beta", "--beta", "nan"], "beta = nan: it must be above 0."),
    ],
)
def test_a_number_of_a_metric_out_of_range_is_refused(
    words: list[str], rule: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*JUDGE, "--metric", *words]) == 2
    assert rule in capsys.readouterr().err
