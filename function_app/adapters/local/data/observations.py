"""Observations of production on this machine: replicas' prediction logs and labels in the inbox."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from function_app.adapters.csv_rows import LABEL_LIMIT
from function_app.adapters.local.reach.files import read_json, write_json
from function_app.adapters.local.reach.inbox_files import open_file
from function_app.adapters.scoring_service.observation_records import (
    LabelFile,
    RecordedObservations,
)
from function_app.adapters.scoring_service.prediction_logs import Segment
from function_app.addresses import below
from function_app.domain.drift.observations import Watched
from function_app.domain.project import ModelProject

# The suffixes of a segment while it is written, and afterwards.
_ENDINGS = (".jsonl", ".part")


class LocalObservations(RecordedObservations):
    """Reads files, also while replicas write them."""

    def __init__(self, state: Path, projects: Mapping[str, ModelProject]) -> None:
        super().__init__(LocalRecords(state), projects)


class LocalRecords:
    """The folders of this machine."""

    def __init__(self, state: Path) -> None:
        self._production, self._state = state / "production", state

    def segments(self, model: str) -> list[Segment]:
        segments: dict[tuple[str, str], int] = {}
        for path in below(self._production, model, "log").glob("*/*"):
            if path.suffix in _ENDINGS:
                try:
                    segments[path.parent.name, path.stem] = path.stat().st_size
                except FileNotFoundError:
                    # The segment was renamed or deleted meanwhile: the next read finds its new
                    # name, if any.
                    continue
        return [Segment(process=p, name=n, size=size) for (p, n), size in sorted(segments.items())]

    def content(self, model: str, segment: Segment, begin: int, length: int) -> bytes:
        folder = below(self._production, model, "log", segment.process)
        # It may be renamed between the two attempts, and deleted at any time.
        for ending in (*_ENDINGS, _ENDINGS[0]):
            try:
                with below(folder, f"{segment.name}{ending}").open("rb") as file:
                    file.seek(begin)
                    return file.read(length)
            except FileNotFoundError:
                continue
        return b""

    def stored(self, model: str, name: str) -> Any:
        return read_json(below(self._production, model, f"{name}.json"))

    def store(self, model: str, name: str, content: object) -> None:
        write_json(below(self._production, model, f"{name}.json"), content)

    def forget(self, model: str, prefix: str, *but: str) -> None:
        for path in below(self._production, model).glob(f"{prefix}*.json"):
            if path.stem not in but:
                path.unlink(missing_ok=True)

    def schema(self, watched: Watched) -> Any:
        return read_json(Path(watched.model_uri).parent / "evaluation" / "model_schema.json")

    @contextmanager
    def training_rows(self, watched: Watched) -> Iterator[IO[bytes]]:
        folder = self._state / "datasets"
        path = below(folder, watched.model, f"{watched.dataset_version}.csv")
        with open_file(folder, path) as file:
            yield file

    def evaluation(self, watched: Watched) -> Any:
        runs = sorted(
            (self._state / "runs").glob(f"{watched.run_id}-vs-*/evaluation/predictions.json")
        )
        return read_json(runs[0]) if runs else None

    def label_files(self, project: ModelProject) -> Sequence[LabelFile]:
        files = []
        for path in (self._state / "inbox" / project.container / project.labels).glob("*.csv"):
            # The inode's change time cannot be set back, and renaming a finished file sets it.
            with suppress(FileNotFoundError):
                files.append((path.lstat().st_ctime_ns, path.as_posix()))
        return sorted(files)

    @contextmanager
    def labels(self, label_file: LabelFile) -> Iterator[IO[bytes]]:
        with open_file(self._state / "inbox", Path(label_file[1]), LABEL_LIMIT) as file:
            yield file
