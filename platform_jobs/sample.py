"""Lets a model project write its sample data, which becomes the model's reference data."""

import hashlib
from pathlib import Path
from typing import Any

from platform_jobs.errors import ContractError
from platform_jobs.files import write_json
from platform_jobs.models.models import Project
from platform_jobs.profile import profile_table
from platform_jobs.splitting.held_out import ROWS
from platform_jobs.tables.tables import read_table

SAMPLE = "sample.json"


def write_sample(project: Project, out: Path) -> dict[str, Any]:
    """Write `rows.csv` and `sample.json` with its figures below `out`; return the latter.

    A project need not have a sample: `refused` says why there is none, and `profile` is None.
    """
    out.mkdir(parents=True, exist_ok=True)
    try:
        project.sample((out / ROWS).resolve())
        content: dict[str, Any] = {
            "refused": "",
            "profile": profile_table(read_table(out / ROWS)),
            "digest": hashlib.sha256((out / ROWS).read_bytes()).hexdigest(),
        }
    except ContractError as error:
        content = {"refused": str(error), "profile": None}
    write_json(out / SAMPLE, content)
    return content
