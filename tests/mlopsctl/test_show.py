"""`mlopsctl show` prints each fact with its name."""

from typing import Any

import pytest

from mlopsctl.commands.show import lines

NOTHING: dict[str, Any] = {
    **dict.fromkeys(("release", "story", "run", "event")),
    "caused_by": [],
    "next": [],
}


@pytest.mark.parametrize("name", ["approvals_required", "dataset_version", "commit"])
def test_a_space_separates_each_name_from_its_value(name: str) -> None:
    [_, line, _] = lines({**NOTHING, "release": {name: 1}})
    assert line.split() == [*name.split("_"), "1"]


def test_names_of_colours_are_not_shown() -> None:
    story = {"instance_id": "train-m-1", "tone": "bad"}
    assert not any("tone" in line for line in lines({**NOTHING, "story": story}))
