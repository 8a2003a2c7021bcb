"""The model card of a version has every recorded fact, and says what is not recorded."""

from dataclasses import replace

import pytest

from function_app.domain.data_quality import (
    ColumnProfile,
    DataCheck,
    DataFinding,
    DataProfile,
    Prepared,
)
from function_app.domain.gates import Comparison, GatePolicy, judge
from function_app.domain.gating.budgets import Cost
from function_app.domain.gating.monotone import Monotone
from function_app.domain.gating.sanity import Figures
from function_app.domain.gating.slices import Slice
from function_app.domain.lineage.chain import Known
from function_app.domain.lineage.model_card import MOST_SHOWN, Judgement, model_card
from function_app.domain.lineage.origin import Origin, Training
from function_app.domain.text.markdown import plain
from tests.domain.test_lineage import COMMIT, DATA, DIGEST, LOCK, NOW, RUN, VERSION, WHOLE

POLICY = GatePolicy(
    bar=4500.0, slices=("sex",), increasing=("bmi",), max_model_bytes=1_000_000, metric="mse"
)
COMPARISON = Comparison(
    rows=442,
    challenger_loss=2500.0,
    champion_loss=3125.0,
    gain=625.0,
    gain_low=125.0,
    gain_high=1125.0,
    level=0.0005,
    p_value=0.0001,
    look=4,
    lowest=25.0,
    highest=346.0,
    challenger=Figures(skill=3000.0, skill_low=2600.0, bias=-1.5, rms=50.0, tail=90.0),
    champion=Figures(skill=2900.0, skill_low=2500.0, bias=2.5, rms=56.0, tail=98.0),
    left_out=3,
    known=True,
    slices=(
        Slice(
            name="sex = 1",
            rows=230,
            challenger_loss=2400.0,
            champion_loss=3000.0,
            tolerance=0.25,
            reserve=1350.0,
            reserve_low=900.0,
            reserve_high=1800.0,
        ),
        Slice(
            name="sex = 2",
            rows=40,
            challenger_loss=2700.0,
            champion_loss=3200.0,
            tolerance=0.25,
            reserve=1300.0,
        ),
    ),
    challenger_cost=Cost(size_bytes=2_048),
    champion_cost=Cost(size_bytes=1_024),
    monotone=(
        Monotone(
            feature="bmi", direction="increasing", rows=100, broken=0, largest=0.0, limit=3.21
        ),
    ),
)
PREPARED = Prepared(
    profile=DataProfile(
        rows=445,
        columns=tuple(
            ColumnProfile(name=name, missing=0, mean=0.0, std=1.0) for name in ("age", "bmi", "Y")
        ),
    ),
    seen=356,
    held_out=89,
    repeated=2,
    check=DataCheck(
        rows=200,
        reference_rows=442,
        findings=(DataFinding(kind="atoms", severity="note", text="bmi: 3 outliers."),),
    ),
)
JUDGED = Judgement(
    evaluation_id=VERSION.evaluation_id,
    comparison=COMPARISON,
    verdict=judge(COMPARISON, POLICY),
    policy=POLICY,
    prepared=PREPARED,
    target="Y",
)
CARD = model_card(WHOLE, JUDGED)


def test_the_sections_are_those_of_mitchell_et_al() -> None:
    titles = [line.removeprefix("## ") for line in CARD.splitlines() if line.startswith("## ")]

    assert titles == [
        "Model details",
        "Intended use",
        "Factors",
        "Metrics",
        "Evaluation data",
        "Training data",
        "Quantitative analyses",
        "Ethical considerations",
        "Caveats and recommendations",
    ]
    assert CARD.startswith("# Model card: diabetes, version 3\n")
    assert "10.1145/3287560.3287596" in CARD


@pytest.mark.parametrize(
    "line",
    [
        f"| digest of the model folder | {DIGEST} |",
        "| registered | 2026-01-01T00:00:00+00:00 |",
        f"| commit | {COMMIT} |",
        f"| lock of the packages | {LOCK} |",
        "| reported.alpha | 0.4 |",
        "The version predicts the column Y of its data.",
        "The gate compares the models in groups of rows by these columns: sex.",
        "The loss is mse; a smaller one is better. Limits of the policy:",
        "| bar | 4500 |",
        "| max model bytes | 1000000 |",
        "| increasing | bmi |",
        "442 rows judged. The platform held them out: no training read them.",
        "Left out, because the champion was trained on them: 3 rows.",
        "The true values are from 25 to 346.",
        f"| data version (SHA-256 of the file) | {DATA} |",
        "| rows | 445 |",
        "| rows that the training read | 356 |",
        "| rows that another row equals | 2 |",
        "| rows of the earlier data | 442 |",
        "| the event arrived | 2026-01-01T00:00:00+00:00 |",
        "Columns: age, bmi, Y.",
        "- note: bmi: 3 outliers.",
        "| mse | 3000 |",
        "| figure | this version | champion, version 2 |",
        "| loss | 2500 | 3125 |",
        "| bias | -1.5 | 2.5 |",
        "| bytes of the model folder | 2048 | 1024 |",
        "Gain in the loss over the champion: 625, between 125 and 1125, each bound at 99.95 % "
        "confidence.",
        "The p-value of a gain that is not above the needed one is 0.0001.",
        "This was comparison 4 of the model, at the level 0.0005. All comparisons until then have "
        "spent 0.00616 of the model's error of 0.05.",
        "| sex = 1 | 230 | 2400 | 3000 | 25 % | shown not to be worse |",
        "| sex = 2 | 40 | 2700 | 3200 | 25 % | too few rows, 100 are needed |",
        "| bmi | increasing | 100 | 0 | 0 | 3.21 |",
        "| a right model (bias, slope, range, a constant) | kept |",
        "| largest errors against the champion's | kept |",
        "| budgets of size and time | kept |",
        "| features with which predictions rise or fall | kept |",
        "- The version was compared with version 2 before its registration; production may serve "
        "another one now.",
        "- The period that the rows cover is not recorded; only the arrival of the file is known.",
    ],
)
def test_a_recorded_fact_is_a_line_of_the_card(line: str) -> None:
    assert line in CARD.splitlines()


def test_the_reasons_of_the_verdict_are_listed() -> None:
    assert JUDGED.verdict is not None
    assert f"Verdict of the gate: {JUDGED.verdict.verdict}. The reasons:" in CARD
    assert len(JUDGED.verdict.reasons) >= 3
    for reason in JUDGED.verdict.reasons:
        assert f"- {reason}" in CARD


def test_limits_that_set_nothing_are_left_out() -> None:
    card = model_card(WHOLE, replace(JUDGED, policy=GatePolicy(bar=1.0)))

    for limit in ("max predict ms", "quantile", "beta", "monotone tolerance", "margin"):
        assert f"| {limit} |" not in card
    assert "mlops.toml names no `slices`" in card
    assert "| budgets of size and time | none set |" in card
    assert "| quantile | 0.9 |" in model_card(
        WHOLE, replace(JUDGED, policy=GatePolicy(bar=1.0, metric="pinball", quantile=0.9))
    )


def test_a_card_about_a_second_judging_names_its_champion_and_its_evaluation() -> None:
    card = model_card(WHOLE, replace(JUDGED, evaluation_id="train-diabetes-1-vs-4"))

    assert "| figure | this version | champion, version 4 |" in card
    assert (
        "- The version was compared with version 4 after its registration, by "
        "train-diabetes-1-vs-4, when production changed; production may serve another one now."
    ) in card.splitlines()


def test_a_broken_rule_is_shown_with_its_reason() -> None:
    policy = replace(POLICY, max_model_bytes=1_000)

    card = model_card(WHOLE, replace(JUDGED, policy=policy))

    assert "reject: Its model folder has 2,048 bytes" in card


def test_a_first_version_was_judged_by_the_bar_alone() -> None:
    evaluation = "train-diabetes-1-vs-nothing"
    first = replace(VERSION, evaluation_id=evaluation)
    alone = replace(
        COMPARISON, champion_loss=None, gain=None, champion=None, look=0, slices=(), known=None
    )
    card = model_card(
        replace(WHOLE, version=first),
        replace(JUDGED, evaluation_id=evaluation, comparison=alone, verdict=judge(alone, POLICY)),
    )

    assert "| figure | this version | no champion |" in card
    assert "compared with no champion before its registration; only the bar judged" in card
    assert "Gain in the loss" not in card
    assert "largest errors against the champion's" not in card


def test_cross_fitted_rows_are_not_called_held_out() -> None:
    card = model_card(WHOLE, replace(JUDGED, comparison=replace(COMPARISON, folds=5)))

    assert "442 rows judged.\n" in card
    assert "trained without its fold, of 5 folds" in card


def test_records_that_are_gone_are_named() -> None:
    card = model_card(Known(version=VERSION), Judgement())

    assert "The comparison of this version is not recorded." in card
    assert "The policy by which the version was judged is not recorded." in card
    assert "The number of rows of its data is not recorded." in card
    assert "does not have run train-diabetes-1 any more" in card


def test_a_version_of_another_tool_has_one_sentence_for_all_that_is_unknown() -> None:
    foreign = replace(VERSION, digest="", run_id="", code=None, metrics={}, evaluation_id="")

    card = model_card(Known(version=foreign), Judgement())

    assert card.count("another tool registered the version") == 1
    assert "Nothing is recorded." in card


def test_names_that_a_training_chose_are_no_markup() -> None:
    metrics = {"<script>|x": 1.0, "[a](http://b)": 2.0, "line\nbreak \x1b[31mred": 3.0}

    card = model_card(replace(WHOLE, run=replace(RUN, metrics=metrics)), JUDGED)

    assert "<script>" not in card
    assert "\\<script\\>\\|x" in card
    assert "[a](" not in card
    assert "reported.line break red" in card


def test_credentials_are_no_part_of_a_card() -> None:
    training = Training(data_uri="https://account.blob.core.windows.net/data/1.csv?sig=c2lnbmVk")
    origin = Origin(registered_at=NOW, training=training, data_version=DATA)

    card = model_card(replace(WHOLE, origin=origin), JUDGED)

    assert "/data/1.csv" in card
    assert "c2lnbmVk" not in card


@pytest.mark.parametrize(
    "secret", ["ghp_abcdefghijklmnop0123", "api_key=abcdefgh1234", "password=hunter_2xyz"]
)
def test_an_escaped_or_cut_text_shows_no_credentials(secret: str) -> None:
    text = plain(f"401 for {secret}. {'a long reason, ' * 60}")

    assert secret.replace("_", "\\_") not in text
    assert "2xyz" not in text


def test_a_card_stays_short_however_much_a_training_reports() -> None:
    metrics = {f"{'m' * 200}{number}": 1.0 for number in range(2_000)}
    version = replace(VERSION, metrics=metrics)
    run = replace(RUN, metrics=metrics)

    card = model_card(replace(WHOLE, version=version, run=run), JUDGED)

    assert len(card) < 60_000
    assert f"| {2_000 - MOST_SHOWN} more | |" in card


def test_the_same_records_give_the_same_card() -> None:
    assert model_card(WHOLE, JUDGED) == CARD
