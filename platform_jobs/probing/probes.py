"""The measurements of a model that a policy asks for beside the answers to the judging rows."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from platform_jobs.models.answers import Answers
from platform_jobs.models.models import Project
from platform_jobs.probing.costs import folder_size, time_predict
from platform_jobs.scratch import scratch_folder
from platform_jobs.tables.tables import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Probes:
    """The measurements to make: the size of the model folder, and the time of predict."""

    size: bool = False
    time: bool = False


NONE = Probes()


def probe(
    project: Project,
    model: Path,
    features: Table,
    labels: Sequence[str],
    answers: Answers,
    probes: Probes,
    parent: Path | None = None,
) -> Answers:
    """Return the answers with the measurements of the model that gave them.

    `features` are the judging rows; temporary folders are made below `parent`. ContractError and
    KilledError as by `Project.predict`.
    """
    if probes.size:
        answers = replace(answers, size=folder_size(model))
    if probes.time:
        with scratch_folder(parent) as folder:
            times = time_predict(project, model, features, labels, folder)
        answers = replace(answers, milliseconds=times)
    return answers
