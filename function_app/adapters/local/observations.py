"""What production saw on this machine: the replicas' prediction logs, and labels in the inbox."""

import csv
import json
import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from function_app.adapters.local.files import read_json, write_json
from function_app.adapters.local.prediction_logs import read_all, read_new
from function_app.codec import dump, load
from function_app.domain.observations import (
    PREDICTION,
    ColumnReference,
    LabelSums,
    ObservationBatch,
    Reference,
    Watched,
    describe_column,
    describe_errors,
    sum_labels,
)
from function_app.domain.prediction_lines import (
    answers_by_label,
    count_echoes,
    count_predictions,
)
from function_app.domain.project import ModelProject
from function_app.domain.retraining import DriftPolicy

Place = tuple[int, str]


class LocalObservations:
    """Reads what is new; a log line or a file of labels counts once."""

    def __init__(self, state: Path, projects: Mapping[str, ModelProject]) -> None:
        self._production, self._state, self._projects = state / "production", state, projects

    def reference(self, watched: Watched) -> Reference | None:
        # Kept at the first look: whether production was asked for the training rows before can only
        # be known while the logs of that time are there.
        name = f"reference-{watched.digest.removeprefix('sha256:')}.json"
        path = self._production / watched.model / name
        content = read_json(path)
        reference = load(Reference, content) if content else self._describe(watched)
        if reference is None:
            return None
        if content is None:
            write_json(path, dump(reference))
        return replace(reference, columns=self._tested(watched.model, reference.columns))

    def _describe(self, watched: Watched) -> Reference | None:
        schema = read_json(Path(watched.model_uri) / "model_schema.json")
        rows = self._training_rows(watched)
        if schema is None or not rows:
            return None
        features, target = tuple(schema["features"]), str(schema["target"])
        columns = [describe_column(name, [row[name] for row in rows]) for name in features]
        held_out = self._held_out(watched)
        if held_out is not None:
            columns.append(describe_column(PREDICTION, held_out[1]))
        pairs = ((tuple(row[name] for name in features), row[target]) for row in rows)
        seen, echoed = count_echoes(pairs, features, read_all(self._log(watched.model)))
        return Reference(
            watched=watched,
            target=target,
            columns=tuple(column for column in columns if column is not None),
            errors=describe_errors(*held_out) if held_out else None,
            seen=seen,
            echoed=echoed,
        )

    def read(
        self, reference: Reference, after: str, allowed: float | None, rows_per_request: int
    ) -> ObservationBatch:
        watched = reference.watched
        cursor: Any = json.loads(after) if after else {"log": {}, "labels": [0, ""]}
        found, places = read_new(self._log(watched.model), cursor["log"])
        ours = [p for p in found if p.image == watched.digest]
        rows, columns = count_predictions(reference.columns, ours, rows_per_request)
        since = (int(cursor["labels"][0]), str(cursor["labels"][1]))
        labels, place = self._labels(reference, since, allowed)
        return replace(
            labels,
            cursor=json.dumps({"log": places, "labels": list(place)}, sort_keys=True),
            rows=rows,
            columns=columns,
        )

    def _labels(
        self, reference: Reference, since: Place, allowed: float | None
    ) -> tuple[ObservationBatch, Place]:
        """Return the new labels' sums, and the place of the last file that was read."""
        project = self._projects[reference.watched.model]
        folder = self._state / "inbox" / project.container / project.labels
        # The time of the inode: nobody can set it back, and renaming a finished file sets it.
        files = sorted((path.stat().st_ctime_ns, path.as_posix()) for path in folder.glob("*.csv"))
        new = [place for place in files if place > since]
        nothing = ObservationBatch(cursor="", columns={})
        if not new or allowed is None:
            return nothing, since
        used: set[str] = set()
        for place in files:
            if place <= since:
                with suppress(ValueError):
                    used |= dict(_read_labels(place[1], reference.target)).keys()
        ours = (
            p
            for p in read_all(self._log(reference.watched.model))
            if p.image == reference.watched.digest
        )
        answers = answers_by_label(ours)
        errors, unmatched, complaints = [], 0, []
        for place in new:
            try:
                labels = _read_labels(place[1], reference.target)
            except ValueError as error:
                complaints.append(f"{Path(place[1]).name}: {error}")
                continue
            for label_id, truth in labels:
                answer = None if label_id in used else answers.get(label_id)
                unmatched += answer is None
                if answer is not None:
                    errors.append((truth - answer) ** 2)
                used.add(label_id)
        sums = sum_labels(errors, allowed) if errors else LabelSums()
        batch = replace(nothing, labels=sums, unmatched=unmatched, complaints=tuple(complaints))
        return batch, new[-1]

    def _tested(
        self, model: str, columns: tuple[ColumnReference, ...]
    ) -> tuple[ColumnReference, ...]:
        """Return the columns that the policy wants; what is answered is always among them."""
        policy = self._projects[model].drift or DriftPolicy()
        wanted = set(policy.columns) if policy.columns else {c.name for c in columns}
        if not policy.log_inputs:
            wanted = set()
        return tuple(c for c in columns if c.name in wanted | {PREDICTION})

    def _training_rows(self, watched: Watched) -> list[dict[str, float]]:
        path = self._state / "datasets" / watched.model / f"{watched.dataset_version}.csv"
        try:
            with path.open(encoding="utf-8", newline="") as file:
                return [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)]
        except FileNotFoundError:
            return []

    def _held_out(self, watched: Watched) -> tuple[list[float], list[float]] | None:
        """Return truth and predictions of the held-out rows: any evaluation of the run has them."""
        runs = sorted((self._state / "runs").glob(f"{watched.run_id}-vs-*/predictions.json"))
        content = read_json(runs[0]) if runs else None
        return (content["actual"], content["predicted"]) if content else None

    def _log(self, model: str) -> Path:
        return self._production / model / "log"


def _read_labels(path: str, target: str) -> list[tuple[str, float]]:
    """Return ids and truths of a file; ValueError, for people, when it is no file of labels."""
    with open(path, encoding="utf-8-sig", newline="", errors="replace") as file:
        reader = csv.DictReader(file)
        if not {"id", target} <= set(reader.fieldnames or ()):
            raise ValueError(f"it needs the columns id and {target}. Put a mended file there.")
        found = []
        for number, row in enumerate(reader, start=2):
            try:
                truth = float(row[target])
            except (TypeError, ValueError):
                truth = math.nan
            if not math.isfinite(truth):
                raise ValueError(f"line {number} has no number in {target}. Put a mended file.")
            found.append((str(row["id"]).strip(), truth))
        return found
