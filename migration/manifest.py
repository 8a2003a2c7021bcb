"""Writes the table of mlops.toml for a clone's model."""

import json
import math
from pathlib import Path
from typing import Any

from migration.clone import TRAIN, Clone

TEMPLATES = Path(__file__).with_name("templates")


def describe_model(clone: Clone, name: str, columns: list[str], variance: float) -> str:
    """Return the table; `variance` is that of the target."""
    scaler = clone.serving.get("autoScaler") or {}
    replicas = max(1, int(scaler.get("minReplicas", clone.serving.get("numReplicas", 1))))
    slowest = float(clone.serving.get("scoringTimeoutMs", 500))
    schedules = ", ".join(
        f'{{ name = "seed-{number}", cron = {json.dumps(f"0 {entry.value}")} }}'
        for number, entry in enumerate(clone.schedules, start=1)
    )
    text = (TEMPLATES / "mlops.toml.txt").read_text(encoding="utf-8")
    values: dict[str, Any] = {
        "NAME": name,
        "FOLDER": clone.folder,
        "SCHEDULES": f"schedules = [{schedules}]\n" if schedules else "",
        "COLUMNS": json.dumps(columns),
        "BAR": f"{float(math.ceil(variance))}",
        "REPLICAS": replicas,
        "SLOWEST": slowest,
        "TRAIN": f"{clone.folder}/{TRAIN.as_posix()}",
    }
    for key, value in values.items():
        text = text.replace(f"<{key}>", str(value))
    return text
