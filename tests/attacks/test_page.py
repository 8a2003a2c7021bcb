"""docs/explanation/security.md shows every attack test and no other."""

import types
from pathlib import Path

import pytest

from tests.attacks.attack import (
    BORDERLESS,
    MARK,
    ONLY,
    SAME,
    Attack,
    attack,
    attacked_code,
    is_complete,
    no_equivalent,
)
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

ROOT = Path(__file__).parents[2]


def test_the_page_shows_the_attacks_of_today() -> None:
    page = PAGE.read_text(encoding="utf-8")

    assert page == replaced(page, describe(collect(attack_modules()))), (
        "run `python -m tests.attacks.page`"
    )


def test_every_attack_belongs_to_a_topic_and_every_cell_is_filled() -> None:
    for described, name in collect(attack_modules()):
        assert described.point in TOPICS, name
        assert all((described.does, described.answer, described.log)), name


def test_every_attack_says_how_it_was_tried_in_azure() -> None:
    for described, name in collect(attack_modules()):
        assert is_complete(described.azure), (name, described.azure)
        path = attacked_code(described.azure)
        if path is not None:
            assert (ROOT / path).exists(), (name, path)
            assert "local" not in Path(path).parts, (name, path)


@pytest.mark.parametrize("text", ["", "yes", "no equivalent: ", "same code:", "Azure"])
def test_a_word_about_azure_without_a_reason_is_refused(text: str) -> None:
    assert not is_complete(text)


def test_the_same_test_runs_on_both_platforms(request: pytest.FixtureRequest) -> None:
    options = request.config.option
    if options.keyword or options.markexpr or any("::" in each for each in request.config.args):
        pytest.skip("This run has a selection of tests, which may lack a platform.")
    platforms: dict[Attack, set[str]] = {}
    for item in request.session.items:
        mark = item.get_closest_marker(MARK)
        if mark is not None:
            call = getattr(item, "callspec", None)
            words = call.id.split("-") if call else []
            platforms.setdefault(mark.args[0], set()).update({"local", "azure"}.intersection(words))

    for described, names in platforms.items():
        expected = {"local", "azure"} if described.azure == SAME else set()
        assert names == expected, described


def test_attacks_are_sorted_counted_and_escaped() -> None:
    module = types.ModuleType("tests.attacks.test_made_up")

    @attack(
        point=8,
        does="b",
        answer="401",
        log="x|y",
        before="succeeded",
        azure=SAME,
        by="trial",
    )
    @attack(
        point=1,
        does="z",
        answer="401",
        log="x",
        before="refused",
        azure=no_equivalent("it has none."),
        by="trial",
        version=BORDERLESS,
    )
    def test_two() -> None: ...

    class TestMany:
        @attack(point=8, does="a", answer="403", log="x", before="absent", azure=ONLY)
        def test_inner(self) -> None: ...

    module.test_two, module.TestMany = test_two, TestMany  # type: ignore[attr-defined]
    block = describe(collect([module]))

    assert block.startswith("3 attacks. Before, 1 of them succeeded, 1 were refused, and 1 are ")
    assert "2 of these results are trials" in block
    assert "The other 1 are readings" in block
    assert "1 of them could not be tried" in block
    assert block.index("| z |") < block.index("| a |") < block.index("| b |")
    assert r"| b | 401 | x\|y | succeeded (trial) | same test | `test_made_up::test_two` |" in block
    assert "1 attacks run on one machine and with the Azure adapters" in block
    assert "1 are attacks on Azure only. 0 call only code" in block
    assert "1 have no equivalent in Azure" in block
    assert (
        f"| z | 401 | x | refused (trial, {BORDERLESS}) | no equivalent: it has none. | `test_made_up::test_two` |"
        in block
    )
    assert "| a | 403 | x | absent (reading) | Azure only | `test_made_up::test_inner` |" in block


def test_a_page_without_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="has no"):
        replaced("text", "block")
    assert replaced(f"a {BEGIN}old{END} b", "new\n") == f"a {BEGIN}\nnew\n{END} b"
