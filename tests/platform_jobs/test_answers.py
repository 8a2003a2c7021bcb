"""The answer file of predict: numbers, labels and probabilities; each fault has its own words."""

import pytest

from platform_jobs.errors import ContractError
from platform_jobs.models.answers import Answers, read_answer_file
from platform_jobs.tables.words import read_label

LABELS = ("no", "yes")
FILE = "prediction,probability:no,probability:yes\nyes,0.25,0.75\nno,0.9,0.1\n"


def test_a_model_of_numbers_answers_them_and_other_columns_are_ignored() -> None:
    answers = read_answer_file("note,prediction\nx,1.5\ny,-2\n", 2)

    assert answers == Answers(numbers=[1.5, -2.0])


def test_a_classifier_answers_labels_and_their_probabilities() -> None:
    answers = read_answer_file(FILE, 2, LABELS)

    assert answers == Answers(numbers=[0.75, 0.1], labels=["yes", "no"])


def test_labels_may_be_numbers_in_any_notation() -> None:
    text = "prediction,probability:1.0,probability:0\n1.0,0.75,0.25\n0,0,1\n"

    answers = read_answer_file(text, 2, ("0", "1"))

    assert answers == Answers(numbers=[0.75, 0.0], labels=["1", "0"])


@pytest.mark.parametrize(
    ("cell", "label"),
    [(" yes ", "yes"), ("1.0", "1"), ("1", "1"), ("0.5", "0.5"), ("nan", "nan"), ("", "")],
)
def test_a_label_is_the_same_however_its_number_is_written(cell: str, label: str) -> None:
    assert read_label(cell) == label


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            ("\nyes,", "\nmaybe,"),
            "answered 'maybe' in row 1. Each answer must be one of the labels",
        ),
        (("\nno,", "\n,"), "answered '' in row 2"),
        (("probability:yes", "p"), "no column `probability:yes`"),
        (("0.75", "1.2"), "gave '1.2' as probability of yes in row 1"),
        (("0.75", ""), "gave '' as probability of yes in row 1"),
        (("0.9,", "nan,"), "gave 'nan' as probability of no in row 2"),
        (("0.25", "0.5"), "add up to 1.25 in row 1"),
    ],
)
def test_a_fault_of_labels_or_probabilities_names_the_row(
    change: tuple[str, str], reason: str
) -> None:
    with pytest.raises(ContractError, match=reason):
        read_answer_file(FILE.replace(*change), 2, LABELS)
