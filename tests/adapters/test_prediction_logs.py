"""Reading logs that are larger than a look: piece by piece, each line once."""

import json
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from function_app.adapters.scoring_service import prediction_logs
from function_app.adapters.scoring_service.prediction_logs import (
    Places,
    Segment,
    read_all,
    read_new,
)

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class FakeLogs:
    """Logs in memory, by process and segment."""

    kept: dict[tuple[str, str], bytes]

    def segments(self, model: str) -> list[Segment]:
        return [
            Segment(process=process, name=name, size=len(content))
            for (process, name), content in sorted(self.kept.items())
        ]

    def content(self, model: str, segment: Segment, begin: int, length: int) -> bytes:
        return self.kept[segment.process, segment.name][begin : begin + length]


def line(number: int, width: int = 0) -> bytes:
    entry = {"id": str(number), "image": "i", "outputs": [1.0], "more": "x" * width}
    return json.dumps(entry).encode() + b"\n"


def test_a_look_reads_a_share_of_each_process_and_the_next_ones_the_rest() -> None:
    large = b"".join(line(n, 3 * MIB) for n in range(8))
    logs = FakeLogs({("a", "1"): large, ("a", "2"): line(8), ("b", "1"): line(9)})

    looks, places = [], Places()
    for _ in range(5):
        found, places = read_new(logs, "m", places, most=16 * MIB)
        looks.append([p.prediction_id for p in found])

    assert looks[0] == ["0", "1", "9"], "b is not kept waiting by a"
    assert [number for look in looks for number in look if number != "9"] == list("012345678")
    assert looks[4] == []


@given(
    st.lists(st.integers(0, 3), min_size=1, max_size=8),
    st.lists(st.integers(1, 60), min_size=1, max_size=12),
)
def test_each_line_counts_once_whenever_it_was_looked(counts: list[int], grown: list[int]) -> None:
    """A log that grows by any number of bytes between looks, segment after segment."""
    whole = {
        ("a", f"{n}"): b"".join(line(10 * n + k) for k in range(count))
        for n, count in enumerate(counts)
    }
    logs, places, found = FakeLogs({}), Places(), []
    for key, content in whole.items():
        end = 0
        for more in [*grown, len(content)]:
            end = min(len(content), end + more)
            logs.kept[key] = content[:end]
            new, places = read_new(logs, "m", places)
            found += [p.prediction_id for p in new]

    assert found == [p.prediction_id for p in read_all(FakeLogs(whole), "m")]


def test_a_slice_that_ends_within_a_line_loses_nothing() -> None:
    wide = b"".join(line(n, prediction_logs.MIB) for n in range(20))

    assert [p.prediction_id for p in read_all(FakeLogs({("a", "1"): wide}), "m")] == [
        str(n) for n in range(20)
    ]
