"""Figures of a CSV file, computed by a process of the platform's jobs."""

import json
import tempfile
from pathlib import Path

from function_app.adapters.reader_process import read_apart
from function_app.domain.codec import load
from function_app.domain.data_quality import DataProfile


def profile_csv(data: Path | bytes) -> DataProfile:
    """Return the figures of a file, or of its content: a process of the platform's jobs has them.

    Raises ContractError, which names the cause, when the file holds no table.
    """
    with tempfile.TemporaryDirectory(prefix="profile-") as private:
        if isinstance(data, bytes):
            content, data = data, Path(private, "data.csv")
            data.write_bytes(content)
        figures = Path(private, "profile.json")
        read_apart(["profile", "--data", str(data.resolve()), "--out", str(figures)], data)
        return load(DataProfile, json.loads(figures.read_text(encoding="utf-8")))
