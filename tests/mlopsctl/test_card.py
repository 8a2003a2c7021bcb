"""The model card of a version has every known fact, and no text in it is markup."""

from dataclasses import replace

from function_app.domain.codec import dump
from function_app.domain.lineage.chain import Known, chain
from mlopsctl.versions.card import card
from tests.domain.test_lineage import COMMIT, DATA, DIGEST, LOCK, RUN, VERSION, WHOLE


def text_of(known: Known) -> str:
    links = [{**link, "at": dump(link["at"])} for link in chain(known)]
    return "\n".join(card({"model": "diabetes", "version": "3", "own": True, "links": links}))


def test_the_card_has_data_code_training_and_evaluation() -> None:
    text = text_of(WHOLE)

    assert text.startswith("# diabetes, version 3\n")
    for fact in (COMMIT, DATA, DIGEST, LOCK, "train-diabetes-1", "Xeon", "2026-01-01T00:00:00Z"):
        assert fact in text, fact
    assert "| mse | 3000 |" in text
    assert "| reported.alpha | 0.4 |" in text
    assert "Verdict of the gate: mse 3000 is within the bar of 4500." in text
    assert "## Unknown" not in text


def test_a_part_that_is_unknown_is_said_once() -> None:
    foreign = replace(VERSION, digest="", run_id="", code=None, metrics={}, evaluation_id="")

    text = text_of(Known(version=foreign))

    assert text.count("another tool registered the version") == 1
    assert "Nothing is recorded." in text


def test_names_that_a_training_chose_are_no_markup() -> None:
    run = replace(RUN, metrics={"<script>|x": 1.0, "[a](http://b)": 2.0})

    text = text_of(replace(WHOLE, run=run))

    assert "<script>" not in text
    assert "\\<script\\>\\|x" in text
    assert "[a](" not in text
