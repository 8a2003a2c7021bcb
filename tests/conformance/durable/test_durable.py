"""funchost answers as Microsoft's Durable extension did, scenario by scenario.

`make test-conformance` plays the other modes, too.
"""

import os

import pytest

from tests.conformance.durable.comparison import counted, differences
from tests.conformance.durable.player import DEFAULT, OTHERS, Mode, different, recorded
from tests.conformance.kept import hidden

MODES = [DEFAULT, *OTHERS] if os.environ.get("CONFORMANCE") == "all" else [DEFAULT]


@pytest.fixture(scope="module", params=MODES, ids=lambda mode: mode.name)
def answers(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Mode, dict[str, list[str]]]:
    mode: Mode = request.param
    return mode, different(tmp_path_factory.mktemp("conformance"), mode)


def test_every_counted_scenario_is_answered_as_by_the_real_extension(
    answers: tuple[Mode, dict[str, list[str]]],
) -> None:
    mode, found = answers
    count = len(recorded(mode.recording))

    text = "\n".join(f"{name}\n  " + "\n  ".join(lines) for name, lines in found.items())
    print(f"{mode.name}: same {count - len(found)} of {count} counted")
    assert not found, text


def test_a_difference_has_a_path_and_a_hidden_one_does_not_count() -> None:
    real = {"end": {"raw": [1], "code": 200, "list": [1, {"a": True}]}}
    ours = {"end": {"raw": [2], "code": 404, "list": [1, {"a": 1}], "more": None}}

    paths = [path for path, _, _ in differences(real, ours)]
    assert paths == ["end.raw[0]", "end.code", "end.list[1].a", "end.more"]
    assert len(counted("any", real, ours, hidden("durable"))) == 3
    assert counted("any", real, real, []) == []
