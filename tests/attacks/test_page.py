"""docs/explanation/security.md shows every attack test and no other."""

import types

import pytest

from tests.attacks.attack import BORDERLESS, attack
from tests.attacks.page import (
    BEGIN,
    END,
    PAGE,
    TOPICS,
    attack_modules,
    collect,
    describe,
    replaced,
)


def test_the_page_shows_the_attacks_of_today() -> None:
    page = PAGE.read_text(encoding="utf-8")

    assert page == replaced(page, describe(collect(attack_modules()))), (
        "run `python -m tests.attacks.page`"
    )


def test_every_attack_belongs_to_a_topic_and_every_cell_is_filled() -> None:
    for described, name in collect(attack_modules()):
        assert described.point in TOPICS, name
        assert all((described.does, described.answer, described.log)), name


def test_attacks_are_sorted_counted_and_escaped() -> None:
    module = types.ModuleType("tests.attacks.test_made_up")

    @attack(point=8, does="b", answer="401", log="x|y", before="succeeded", by="trial")
    @attack(
        point=1,
        does="z",
        answer="401",
        log="x",
        before="refused",
        by="trial",
        version=BORDERLESS,
    )
    def test_two() -> None: ...

    class TestMany:
        @attack(point=8, does="a", answer="403", log="x", before="absent")
        def test_inner(self) -> None: ...

    module.test_two, module.TestMany = test_two, TestMany  # type: ignore[attr-defined]
    block = describe(collect([module]))

    assert block.startswith("3 attacks. Before, 1 of them succeeded, 1 were refused, and 1 are ")
    assert "2 of these results are trials" in block
    assert "The other 1 are readings" in block
    assert block.index("| z |") < block.index("| a |") < block.index("| b |")
    assert r"| b | 401 | x\|y | succeeded (trial) | `test_made_up::test_two` |" in block
    assert f"| z | 401 | x | refused (trial, {BORDERLESS}) | `test_made_up::test_two` |" in block
    assert "| a | 403 | x | absent (reading) | `test_made_up::test_inner` |" in block


def test_a_page_without_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="has no"):
        replaced("text", "block")
    assert replaced(f"a {BEGIN}old{END} b", "new\n") == f"a {BEGIN}\nnew\n{END} b"
