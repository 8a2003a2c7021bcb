"""Observations of production, computed from records that each platform stores in its own way."""

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import IO, Any, Protocol

from function_app.adapters.csv_rows import read_columns, read_labels
from function_app.adapters.scoring_service.prediction_logs import PredictionLogs, read_all, read_new
from function_app.domain.codec import dump, load
from function_app.domain.drift.clusters import Memory, count_units, total_columns
from function_app.domain.drift.joint import describe_joint
from function_app.domain.drift.observations import (
    JOINT,
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
from function_app.domain.drift.prediction_lines import (
    answers_by_label,
    count_echoes,
    repeated_share,
)
from function_app.domain.drift.retraining import DriftPolicy
from function_app.domain.project import ModelProject
from function_app.errors import ContractError, NotFoundError

LOG = logging.getLogger("mlops.observations")

# A file of labels: its arrival time, in a unit of the platform's own, and its name.
LabelFile = tuple[int, str]
# The prefix of the names of lists of label ids.
COUNTED = "counted-labels-"
# The prefix of the names of memories: each has what the next comparison needs of earlier ones.
REMEMBERED = "counted-rows-"
# The cursor of a first comparison.
_BEGIN = '{"log": {}, "labels": [0, "", ""]}'


class Records(PredictionLogs, Protocol):
    """The replicas' logs, the outputs of trainings, and labels."""

    def stored(self, model: str, name: str) -> Any:
        """Return the stored record of a model with this name, as JSON; None without it."""

    def store(self, model: str, name: str, content: object) -> None:
        """Store a record of a model under this name, as JSON."""

    def forget(self, model: str, prefix: str, *but: str) -> None:
        """Delete the records of a model whose names have this prefix, except `but`."""

    def schema(self, watched: Watched) -> Any:
        """Return the model's schema, as JSON; None when the model is gone."""

    def training_rows(self, watched: Watched) -> AbstractContextManager[IO[bytes]]:
        """Open the CSV that the champion was trained on; NotFoundError when it is gone."""

    def evaluation(self, watched: Watched) -> Any:
        """Return the predictions of any evaluation of the champion's run as JSON, else None."""

    def label_files(self, project: ModelProject) -> Sequence[LabelFile]:
        """Return the files of labels, in the order in which their last change ended."""

    def labels(self, file: LabelFile) -> AbstractContextManager[IO[bytes]]:
        """Open a file of labels; NotFoundError when it is gone.

        ContractError for anything but a regular file, and for one of over LABEL_LIMIT.
        """


class RecordedObservations:
    """Reads new observations; a log line or a file of labels counts once."""

    def __init__(self, records: Records, projects: Mapping[str, ModelProject]) -> None:
        self._records, self._projects = records, projects

    def reference(self, watched: Watched) -> Reference | None:
        # The reference is stored at the first read, because only the logs of that time show whether
        # production was asked for the training rows before.
        name = f"reference-{watched.digest.removeprefix('sha256:')}"
        reference = self._stored(watched.model, name)
        if reference is None:
            try:
                reference = self._describe(watched)
            except (AttributeError, ContractError, KeyError, TypeError, ValueError) as error:
                # The records of the training were changed by hand and describe it no longer.
                LOG.warning("the records of run %s cannot be read: %s", watched.run_id, error)
            if reference is None:
                return None
            self._records.store(watched.model, name, dump(reference))
        return replace(reference, columns=self._tested(watched.model, reference.columns))

    def _stored(self, model: str, name: str) -> Reference | None:
        """Return the stored reference; None without one, or when its record is garbled."""
        try:
            content = self._records.stored(model, name)
            return load(Reference, content) if content else None
        except ContractError as error:
            LOG.warning("the reference %s of %s is described again: %s", name, model, error)
            return None

    def _describe(self, watched: Watched) -> Reference | None:
        schema = self._records.schema(watched)
        if schema is None:
            return None
        features, target = tuple(schema["features"]), str(schema["target"])
        try:
            with self._records.training_rows(watched) as file:
                *inputs, truths = read_columns(file, (*features, target))
        except NotFoundError:
            return None
        if not truths:
            return None
        columns = [describe_column(*column) for column in zip(features, inputs, strict=True)]
        held_out = self._records.evaluation(watched)
        errors = None
        if held_out is not None:
            columns.append(describe_column(PREDICTION, held_out["predicted"]))
            errors = describe_errors(held_out["actual"], held_out["predicted"])
        joint = describe_joint(features, inputs)
        columns.append(joint[1] if joint else None)
        pairs = zip(zip(*inputs, strict=True), truths, strict=True)
        seen, echoed = count_echoes(pairs, features, read_all(self._records, watched.model))
        return Reference(
            watched=watched,
            target=target,
            columns=tuple(column for column in columns if column is not None),
            errors=errors,
            seen=seen,
            echoed=echoed,
            features=features,
            repeated=repeated_share(zip(*inputs, strict=True)),
            joint=joint[0] if joint else None,
        )

    def read(
        self, reference: Reference, after: str, allowed: float | None, rows_per_request: int
    ) -> ObservationBatch:
        watched = reference.watched
        cursor = json.loads(after or _BEGIN)
        predictions, positions = read_new(self._records, watched.model, cursor["log"])
        ours = [p for p in predictions if p.image == watched.digest]
        remembered = str(cursor.get("rows", ""))
        memory = self._memory(watched.model, remembered)
        counted = count_units(reference, ours, rows_per_request, memory)
        if counted.memory != memory:
            content = dump(counted.memory)
            remembered = self._keep(watched.model, REMEMBERED, remembered, content)
        time, name, used = (*cursor["labels"], "")[:3]
        labels, last_file, used = self._labels(
            reference, (int(time), str(name)), str(used), allowed
        )
        position = {"log": positions, "labels": [*last_file, used], "rows": remembered}
        return replace(
            labels,
            cursor=json.dumps(position, sort_keys=True),
            rows=sum(part.rows for part in counted.parts),
            columns=total_columns(counted.parts),
            parts=counted.parts,
            repeated=counted.repeated,
            out_of_range=counted.out_of_range,
        )

    def _memory(self, model: str, name: str) -> Memory:
        """Return the memory of earlier comparisons; an empty one when it is gone or garbled."""
        try:
            content = self._records.stored(model, name) if name else None
            return load(Memory, content) if content else Memory()
        except ContractError as error:
            LOG.warning("the memory %s of %s begins again: %s", name, model, error)
            return Memory()

    def _labels(
        self, reference: Reference, since: LabelFile, used: str, allowed: float | None
    ) -> tuple[ObservationBatch, LabelFile, str]:
        """Return the sums of the new labels, the last file read, and the name of the counted ids.

        The ids that have counted are stored under a name that is part of the cursor: a read that is
        repeated, because its answer was lost, finds the ids as they were before it. A file that
        grew and arrived again has its old ids again.
        """
        watched, nothing = reference.watched, ObservationBatch(cursor="", columns={})
        files = self._records.label_files(self._projects[watched.model])
        new = [label_file for label_file in files if label_file > since]
        if not new or allowed is None:
            return nothing, since, used
        counted = set(self._records.stored(watched.model, used) or ()) if used else set()
        labels, complaints = [], []
        for label_file in new:
            try:
                with self._records.labels(label_file) as file:
                    labels += read_labels(file, reference.target)
            except NotFoundError:
                continue
            except ContractError as error:
                complaints.append(f"{label_file[1].rpartition('/')[2]}: {error.message}")
        label_ids = {label_id for label_id, _ in labels} - counted
        ours = (p for p in read_all(self._records, watched.model) if p.image == watched.digest)
        answers = answers_by_label(ours, label_ids)
        errors: dict[str, list[float]] = {}
        unmatched = 0
        for label_id, truth in labels:
            if label_id in counted:
                continue
            answer = answers.get(label_id)
            if answer is None:
                # Its prediction may still come, and the label again.
                unmatched += 1
            else:
                # The rows of a request are one unit.
                request = label_id.partition("/")[0]
                errors.setdefault(request, []).append((truth - answer) ** 2)
                counted.add(label_id)
        sums = sum_labels(errors.values(), allowed) if errors else LabelSums()
        batch = replace(nothing, labels=sums, unmatched=unmatched, complaints=tuple(complaints))
        return batch, new[-1], self._keep(watched.model, COUNTED, used, sorted(counted))

    def _keep(self, model: str, prefix: str, before: str, content: object) -> str:
        """Store the content under a name that contains its digest; return the name."""
        text = json.dumps(content, sort_keys=True)
        name = f"{prefix}{hashlib.sha256(text.encode()).hexdigest()[:32]}"
        self._records.store(model, name, content)
        # The former content stays, because a repeated read begins with it.
        self._records.forget(model, prefix, name, before)
        return name

    def _tested(
        self, model: str, columns: tuple[ColumnReference, ...]
    ) -> tuple[ColumnReference, ...]:
        """Return the tested columns: those of the policy, and always the prediction."""
        policy = self._projects[model].drift or DriftPolicy()
        names = set(policy.columns) if policy.columns else {c.name for c in columns}
        if not policy.log_inputs:
            names = set()
        # The distance over all inputs needs all of them.
        known = {c.name for c in columns} - {PREDICTION, JOINT}
        names = names | {JOINT} if known <= names else names - {JOINT}
        return tuple(c for c in columns if c.name in names | {PREDICTION})
