"""Reading the segments of prediction logs, also those that are being written.

A log is a folder with a folder per process, each with segments `00000001.part` and, once finished,
`00000001.jsonl`. Where a reader was is, per process, a segment's number and the bytes read of it.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from function_app.domain.prediction_lines import LoggedPrediction, read_line

Places = dict[str, tuple[str, int]]


def read_new(
    log: Path, places: Mapping[str, Sequence[object]]
) -> tuple[list[LoggedPrediction], Places]:
    """Return what came after these places, and the places then; a half last line comes later."""
    found: list[LoggedPrediction] = []
    fresh: Places = {}
    for folder in sorted(path for path in log.glob("*") if path.is_dir()):
        number, offset = places.get(folder.name, ("", 0))
        place = (str(number), int(str(offset)))
        for segment in sorted({path.stem for path in folder.iterdir()}):
            if segment < place[0]:
                continue
            begin = place[1] if segment == place[0] else 0
            content = _content(folder, segment, begin)
            whole = content.rfind(b"\n") + 1
            lines = (read_line(line) for line in content[:whole].splitlines())
            found += [prediction for prediction in lines if prediction is not None]
            place = (segment, begin + whole)
        fresh[folder.name] = place
    return found, fresh


def read_all(log: Path) -> Iterator[LoggedPrediction]:
    """Yield everything that is kept."""
    yield from read_new(log, {})[0]


def _content(folder: Path, segment: str, begin: int) -> bytes:
    # It may be renamed between the two attempts, and deleted at any time.
    for ending in ("jsonl", "part", "jsonl"):
        try:
            with (folder / f"{segment}.{ending}").open("rb") as file:
                file.seek(begin)
                return file.read()
        except FileNotFoundError:
            continue
    return b""
