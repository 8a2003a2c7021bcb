"""Production returns to a former release only by a stored decision or order."""

from dataclasses import replace
from typing import Any

import pytest

from function_app.domain.release.authorization import ChangeKind
from function_app.domain.release.release import ReleaseStatus
from function_app.errors import NotAuthorisedError
from tests.activities.law_bench import Bench, image, release
from tests.activities.production_bench import (
    EVIL,
    account,
    azurite,
    bench,
    connection,
    identity,
    order,
    refused,
    tls,
)

__all__ = ["account", "azurite", "bench", "connection", "identity", "tls"]


def test_a_failed_promotion_returns_to_the_champion_that_a_decision_explains(
    bench: Bench,
) -> None:
    bench.bring_up("1")
    bench.approve("2")
    bench.promote("2")
    bench.production.slow = 1

    answers = [bench.roll_back(restores=release("2"), former=EVIL) for _ in range(3)]

    assert [answer.done for answer in answers] == [False, True, True]
    assert answers[-1].restored
    assert bench.production.served == image("1")
    with pytest.raises(NotAuthorisedError, match="was used already"):
        bench.promote("2")
    bench.end("2", ReleaseStatus.ROLLED_BACK)
    assert bench.findings() == [], "the last change explains version 1"


def test_the_first_promotion_that_fails_leaves_production_empty(bench: Bench) -> None:
    bench.approve("1")
    bench.promote("1")

    assert bench.roll_back(restores=release("1")).restored
    assert bench.production.served is None


def test_a_champion_that_no_decision_explains_is_not_served_again(bench: Bench) -> None:
    bench.bring_up("1")
    bench.production.served = EVIL
    bench.approve("2")
    bench.promote("2")

    assert bench.roll_back(restores=release("2")).restored
    assert bench.production.served == image("1"), "the image of the last decided change"


def test_a_release_takes_nothing_back_that_it_did_not_promote(bench: Bench) -> None:
    bench.bring_up("1")
    bench.approve("2")
    bench.production.calls.clear()

    for other in (release("1"), release("2"), release("3")):
        answer = bench.roll_back(restores=other)
        assert (answer.done, answer.restored, answer.image) == (True, False, image("1"))
    assert bench.production.calls == []


@pytest.mark.parametrize(
    "request_",
    [{}, {"former": EVIL}, {"former": image("1")}, {"release": release("2"), "by": "ada"}],
)
def test_a_roll_back_without_an_order_changes_nothing(
    bench: Bench, caplog: pytest.LogCaptureFixture, request_: dict[str, object]
) -> None:
    bench.bring_up("1")
    bench.bring_up("2")
    bench.production.calls.clear()

    with pytest.raises(NotAuthorisedError, match="No order"):
        bench.roll_back(**request_)
    with pytest.raises(NotAuthorisedError, match="No person ordered 'invented'"):
        bench.roll_back(**request_, order="invented")
    refused(bench, caplog, "No order")


def test_an_ordered_roll_back_is_done_once_and_recorded(bench: Bench) -> None:
    bench.bring_up("1")
    bench.bring_up("2")
    order(bench, ChangeKind.ROLL_BACK, comment="slow")
    bench.production.slow = 1

    answers = [bench.roll_back(order="o", former=EVIL) for _ in range(3)]

    assert [answer.done for answer in answers] == [False, True, True]
    assert answers[-1].restored
    assert bench.production.served == image("1")
    record = bench.record("2")
    assert (record.status, record.rolled_back_by) == (ReleaseStatus.ROLLED_BACK, "ada")
    assert record.reasons == ("ada rolled back to version 1: slow",)
    bench.production.calls.clear()
    bench.production.served = EVIL
    again = bench.roll_back(order="o")
    assert (again.restored, bench.production.calls) == (False, []), "it was carried out already"


def test_an_order_is_void_once_production_changed_again(bench: Bench) -> None:
    bench.bring_up("1")
    bench.bring_up("2")
    order(bench, ChangeKind.ROLL_BACK)
    bench.bring_up("3")

    with pytest.raises(NotAuthorisedError, match="Production changed since"):
        bench.roll_back(order="o")
    assert bench.production.served == image("3")


def test_an_order_that_was_begun_is_not_gone_on_with_after_another_change(bench: Bench) -> None:
    bench.bring_up("1")
    bench.bring_up("2")
    order(bench, ChangeKind.ROLL_BACK)
    bench.production.slow = 1
    bench.roll_back(order="o")
    bench.bring_up("3")

    with pytest.raises(NotAuthorisedError, match="Production changed since"):
        bench.roll_back(order="o")


def test_an_order_is_void_after_a_day(bench: Bench) -> None:
    bench.bring_up("1")
    bench.bring_up("2")
    order(bench, ChangeKind.ROLL_BACK)
    bench.pass_time(hours=25)

    with pytest.raises(NotAuthorisedError, match="over 24 hours ago"):
        bench.roll_back(order="o")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"by": "mallory"}, "mallory may not order"),
        ({"image": EVIL}, "No stored decision promoted"),
        ({"image": None}, "names no image"),
    ],
)
def test_an_order_counts_for_people_and_images_of_the_policy_of_now(
    bench: Bench, change: dict[str, Any], reason: str
) -> None:
    bench.bring_up("1")
    bench.bring_up("2")
    bench.production.calls.clear()
    order(bench, ChangeKind.ROLL_BACK, "o", **change)

    with pytest.raises(NotAuthorisedError, match=reason):
        bench.roll_back(order="o")
    assert bench.production.calls == []


def test_a_release_that_failed_its_check_is_no_image_to_roll_back_to(bench: Bench) -> None:
    bench.approve("1")
    bench.promote("1")
    bench.roll_back(restores=release("1"))
    bench.end("1", ReleaseStatus.ROLLED_BACK)
    record = bench.record("1")
    bench.ledger.save_release(replace(record, rolled_back_by="automatic"))
    bench.bring_up("2")
    order(bench, ChangeKind.ROLL_BACK)

    with pytest.raises(NotAuthorisedError, match="No stored decision promoted"):
        bench.roll_back(order="o")


def test_an_operator_takes_production_down_and_nobody_else(bench: Bench) -> None:
    bench.bring_up("1")
    bench.policy(operators=("olga",))
    order(bench, ChangeKind.SHUTDOWN, by="ada", name="of-an-approver")
    order(bench, ChangeKind.SHUTDOWN, by="olga", release=release("1"))

    with pytest.raises(NotAuthorisedError, match="ada may not order a shutdown"):
        bench.roll_back(order="of-an-approver")
    assert bench.production.champion("diabetes") == image("1")
    assert bench.roll_back(order="o").restored
    assert bench.production.champion("diabetes") is None
    assert bench.record("1").reasons == ("olga took it down.",)
    assert bench.findings() == [], "an order explains it"


def test_approvers_operate_where_mlops_toml_names_no_operators(bench: Bench) -> None:
    bench.bring_up("1")
    order(bench, ChangeKind.SHUTDOWN, by="grace")

    assert bench.roll_back(order="o").restored
