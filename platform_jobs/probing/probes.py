"""The measurements of a model that a policy asks for beside the answers to the judging rows."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from platform_jobs.models.answers import Answers
from platform_jobs.models.models import Project
from platform_jobs.probing.costs import folder_size, time_predict
from platform_jobs.probing.monotone import DECREASING, INCREASING, varied_rows
from platform_jobs.scratch import scratch_folder
from platform_jobs.tables.tables import Table, write_table


@dataclass(frozen=True, slots=True, kw_only=True)
class Probes:
    """The measurements to make: the size of the model folder, and the time of predict.

    With the features in `increasing` and `decreasing` predictions must rise and fall; they may move
    back by `tolerance`, a share of the width of the range of the true values.
    """

    size: bool = False
    time: bool = False
    increasing: tuple[str, ...] = ()
    decreasing: tuple[str, ...] = ()
    tolerance: float = 0.0

    @property
    def directions(self) -> tuple[tuple[str, str], ...]:
        """Return each feature with a declared direction, and its direction."""
        rising = [(name, INCREASING) for name in self.increasing]
        return (*rising, *((name, DECREASING) for name in self.decreasing))

    def of_champion(self) -> "Probes":
        """Return the measurements of a champion, whose directions were judged before."""
        return replace(self, increasing=(), decreasing=())

    def rows(self, features: Table) -> Table:
        """Return the varied rows to ask a model for; none without a declared direction."""
        return varied_rows(features, [name for name, _ in self.directions])


NONE = Probes()


def probe(
    project: Project,
    probes: Probes,
    model: Path,
    features: Table,
    labels: Sequence[str],
    answers: Answers,
    parent: Path | None = None,
) -> Answers:
    """Return the answers with the measurements of the model that gave them.

    `features` are the judging rows; temporary folders are made below `parent`. ContractError and
    KilledError as by `Project.predict`.
    """
    if probes.size:
        answers = replace(answers, size=folder_size(model))
    if probes.directions:
        with scratch_folder(parent) as folder:
            data, answer = folder / "asked" / "features.csv", folder / "said" / "answer.csv"
            data.parent.mkdir()
            answer.parent.mkdir()
            varied = probes.rows(features)
            write_table(data, varied)
            given = project.predict(model, data, len(varied.rows), answer, labels)
        answers = replace(answers, varied=given.numbers)
    if probes.time:
        with scratch_folder(parent) as folder:
            times = time_predict(project, model, features, labels, folder)
        answers = replace(answers, milliseconds=times)
    return answers
