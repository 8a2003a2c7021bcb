"""Reads prediction logs on any storage, also while they are written.

A log has a folder per process, each with segments whose names sort by age. The position of a reader
is, per process, a segment and the number of bytes read from it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from function_app.domain.drift.prediction_lines import LoggedPrediction, read_line

Places = dict[str, tuple[str, int]]
MIB = 1024 * 1024
# The most bytes that one call reads; the next call continues.
MOST = 128 * MIB
_SLICE = 8 * MIB


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A file of the log of one process, and its size in bytes."""

    process: str
    name: str
    size: int


class PredictionLogs(Protocol):
    """The storage of the replicas' logs."""

    def segments(self, model: str) -> Sequence[Segment]:
        """Return the segments of a model's log, in the order of process and name."""

    def content(self, model: str, segment: Segment, begin: int, length: int) -> bytes:
        """Return bytes of a segment, fewer at its end, none when it is gone."""


def read_new(
    logs: PredictionLogs, model: str, positions: Mapping[str, Sequence[object]], most: int = MOST
) -> tuple[list[LoggedPrediction], Places]:
    """Return the predictions after these positions, and the new positions.

    An incomplete last line is read by a later call. Of each process at most its share of `most`
    bytes is read, and at least a slice.
    """
    predictions: list[LoggedPrediction] = []
    segments = logs.segments(model)
    processes = sorted({segment.process for segment in segments})
    left = dict.fromkeys(processes, max(_SLICE, most // max(1, len(processes))))
    fresh: Places = {}
    for process in processes:
        name, offset = positions.get(process, ("", 0))
        fresh[process] = (str(name), int(str(offset)))
    for segment in segments:
        process, (name, offset) = segment.process, fresh[segment.process]
        if segment.name < name or left[process] <= 0:
            continue
        begin = offset if segment.name == name else 0
        end = min(segment.size, begin + left[process])
        # A segment that is cut short is continued before the segments after it.
        left[process] = 0 if end < segment.size else left[process] - (end - begin)
        for lines in _whole_lines(logs, model, segment, begin, end):
            predictions += _read(lines)
            begin += len(lines)
        fresh[process] = (segment.name, begin)
    return predictions, fresh


def read_all(logs: PredictionLogs, model: str) -> Iterator[LoggedPrediction]:
    """Yield everything that is kept, a slice at a time."""
    for segment in logs.segments(model):
        for lines in _whole_lines(logs, model, segment, 0, segment.size):
            yield from _read(lines)


def _whole_lines(
    logs: PredictionLogs, model: str, segment: Segment, begin: int, end: int
) -> Iterator[bytes]:
    """Yield the whole lines between two offsets, some at a time.

    The middle of a line that is longer than two slices is left out, so that it is no prediction.
    """
    rest = b""
    while begin < end:
        content = logs.content(model, segment, begin, min(_SLICE, end - begin))
        if not content:
            return
        begin += len(content)
        whole = content.rfind(b"\n") + 1
        if whole:
            yield rest + content[:whole]
            rest = content[whole:]
        elif len(rest) < _SLICE:
            rest += content


def _read(lines: bytes) -> Iterator[LoggedPrediction]:
    predictions = (read_line(line) for line in lines.splitlines())
    return (prediction for prediction in predictions if prediction is not None)
