import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from function_app.domain.codec import dump, load
from function_app.domain.text.plain_text import clean
from function_app.errors import ContractError


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    count: int
    share: float = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    name: str
    colour: Colour
    planted_at: datetime
    wait: timedelta
    leaves: tuple[Leaf, ...] = ()
    tags: dict[str, str]
    note: str | None = None


texts = st.text().map(clean)
finite = st.floats(allow_nan=False, allow_infinity=False)
leaves = st.builds(Leaf, count=st.integers(), share=finite)
trees = st.builds(
    Tree,
    name=texts,
    colour=st.sampled_from(Colour),
    planted_at=st.datetimes(timezones=st.just(UTC)),
    wait=st.integers(0, 10**9).map(lambda n: timedelta(seconds=n)),
    leaves=st.lists(leaves, max_size=3).map(tuple),
    tags=st.dictionaries(texts, texts, max_size=3),
    note=st.none() | texts,
)


@given(trees)
def test_a_dumped_value_loads_as_the_same_value(tree: Tree) -> None:
    assert load(Tree, json.loads(json.dumps(dump(tree), allow_nan=False))) == tree


def test_unknown_keys_are_ignored_and_defaults_fill_in() -> None:
    assert load(Leaf, {"count": 3, "later": True}) == Leaf(count=3)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_figure_that_json_lacks_is_refused(bad: float) -> None:
    with pytest.raises(ContractError, match="not JSON"):
        dump(Leaf(count=1, share=bad))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"count": "3"}, "Leaf.count: expected int, got str"),
        ({"count": True}, "Leaf.count: expected int, got bool"),
        ({}, "Leaf.count: missing"),
        ([], "Leaf: expected object, got list"),
    ],
)
def test_a_mismatch_names_its_path(data: object, message: str) -> None:
    with pytest.raises(ContractError, match=message):
        load(Leaf, data)


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(ContractError, match="time zone"):
        dump(datetime(2026, 1, 1))


@pytest.mark.parametrize("given", ["x" * 100_000, "password=hunter2hunter2", ["red"]])
def test_a_wrong_choice_is_shown_short_and_without_credentials(given: object) -> None:
    with pytest.raises(ContractError, match="Colour: expected one of red, blue") as caught:
        load(Colour, given)

    assert len(caught.value.message) < 200
    assert "hunter2" not in caught.value.message
