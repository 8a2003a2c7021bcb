"""Reasons that people read begin with the error, not with words of the Durable host."""

import pytest

from function_app.domain.stories.outcomes import outcome_of
from function_app.domain.text.failures import plain_reason
from function_app.orchestrators.shared.clean_up import reasons_of

CODE = "CONTRACT: data.csv is not a table. Send another file."


@pytest.mark.parametrize(
    "text",
    [
        f"Activity function 'judge_dataset' failed: ContractError: {CODE}",
        f"Activity function 'judge_dataset' failed:  ContractError: {CODE}",
        f"Activity function 'judge_dataset' failed: Exception: ContractError: {CODE}",
        f"Activity function 'judge_dataset' failed:  Result: Failure\nException: ContractError: {CODE}",
        "Orchestrator function 'train_model' failed: Activity function 'judge_dataset' failed:  "
        f"ContractError: {CODE}",
        f"ContractError: {CODE}",
        f"function_app.errors.ContractError: {CODE}",
        CODE,
    ],
)
def test_the_words_of_the_host_and_the_class_of_our_errors_are_left_out(text: str) -> None:
    assert plain_reason(text) == CODE
    assert plain_reason(plain_reason(text)) == CODE


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Activity function 'x' failed:  KeyError: 'bmi'", "KeyError: 'bmi'"),
        ("Activity function 'x' failed:  RuntimeError: no: 5", "RuntimeError: no: 5"),
        ("The word 'Activity function' may stand in a text.", None),
        ("Activity function 'x' failed:", None),
        ("", None),
    ],
)
def test_everything_else_stays(text: str, reason: str | None) -> None:
    assert plain_reason(text) == (text if reason is None else reason)


def test_a_story_reports_its_fault_and_that_of_its_clean_up_in_plain_words() -> None:
    fault = Exception(
        f"Activity function 'x' failed:  ContractError: {CODE} \n trace with Activity function 'y'"
    )
    fault.add_note("The roll-back failed, too. PLATFORM: down.")

    assert reasons_of(fault) == (CODE, "The roll-back failed, too. PLATFORM: down.")


def test_a_story_that_durable_calls_failed_has_a_plain_reason() -> None:
    output = f"Orchestrator function 'x' failed: Activity function 'y' failed:  Z_Error: {CODE}"

    assert outcome_of("train_model", "Failed", output).reasons == (CODE,)
