"""Reports and plots in the folder of a run on this machine."""

from pathlib import Path

from function_app.adapters.local.reach.files import read_regular
from function_app.adapters.run_facts import (
    DATA_REPORTS,
    MOST_REPORT_BYTES,
    PLOTS,
    PLOTS_FOLDER,
    REPORTS,
)
from function_app.addresses import below
from function_app.domain.training import is_run_id
from function_app.errors import NotFoundError

# The folders of a preparation and of an evaluation in the folder of their run.
PREPARED, EVALUATION = "prepared", "evaluation"
_FOLDERS = {
    **dict.fromkeys(REPORTS, "reports"),
    **dict.fromkeys(DATA_REPORTS, PREPARED),
    **dict.fromkeys(PLOTS, f"{EVALUATION}/{PLOTS_FOLDER}"),
}


def read_report(runs: Path, run_id: str, name: str) -> bytes:
    """Return a report or a plot of a run; NotFoundError for a name that no run writes.

    `runs` is the folder of all runs. A file of more than MOST_REPORT_BYTES counts as absent.
    """
    if name in _FOLDERS and is_run_id(run_id):
        content = read_regular(below(runs, run_id) / _FOLDERS[name] / name, MOST_REPORT_BYTES)
        if content is not None:
            return content
    known = ", ".join(_FOLDERS)
    raise NotFoundError(f"Run {run_id[:80]} has no report {name[:80]!r}. It may have {known}.")
