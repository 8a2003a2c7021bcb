"""Writes the table of mlops.toml for a clone's model."""

import contextlib
import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from migration.clone import TRAIN, Clone
from migration.cron import to_ncrontab

TEMPLATES = Path(__file__).with_name("templates")


def _schedules(clone: Clone) -> Iterator[str]:
    """Yield the schedules of the pipelines that a timer can have; the report has the others."""
    for entry in clone.schedules:
        with contextlib.suppress(ValueError):
            yield to_ncrontab(entry.value)


def describe_model(clone: Clone, name: str, columns: list[str], variance: float) -> str:
    """Return the table; `variance` is that of the target."""
    schedules = ", ".join(
        f'{{ name = "seed-{number}", cron = {json.dumps(cron)} }}'
        for number, cron in enumerate(_schedules(clone), start=1)
    )
    text = (TEMPLATES / "mlops.toml.txt").read_text(encoding="utf-8")
    values: dict[str, Any] = {
        "NAME": name,
        "FOLDER": clone.folder,
        "SCHEDULES": f"schedules = [{schedules}]\n" if schedules else "",
        # TOML knows no surrogate pairs, which ASCII needs for some letters.
        "COLUMNS": json.dumps(columns, ensure_ascii=False).replace("\x7f", "\\u007f"),
        "BAR": f"{float(math.ceil(variance))}",
        "REPLICAS": clone.replicas(),
        "SLOWEST": clone.slowest_ms(),
        "TRAIN": f"{clone.folder}/{TRAIN.as_posix()}",
    }
    return re.sub(r"<([A-Z]+)>", lambda found: str(values[found[1]]), text)
