"""Live traffic to a scoring service, like its training data or moved away from it."""

import io
import shlex
from pathlib import Path

import httpx
import numpy as np
import pandas as pd

from mlopsctl.reach.client import Api

BMI, REQUESTS = "bmi", 300


class Traffic:
    """Asks production for rows drawn from the training data, one column moved."""

    def __init__(self, data: str, endpoint: str, caller: dict[str, str]) -> None:
        self._caller = caller
        self._rows = pd.read_csv(io.StringIO(data)).drop(columns="Y")
        self._rng = np.random.default_rng(0)
        self._url = f"{endpoint}/score"

    def send(self, shift: float) -> tuple[pd.DataFrame, list[str]]:
        """Move bmi by so many standard deviations; return rows with answers, and the ids."""
        rows = self._rows.sample(REQUESTS, replace=True, random_state=self._rng)
        rows = rows.reset_index(drop=True)
        # No row is sent twice, because a repeated row counts once.
        spread = self._rows[BMI].std()
        rows[BMI] += shift * spread + self._rng.normal(scale=0.001 * spread, size=REQUESTS)
        ids, answers = [], []
        with httpx.Client(headers=self._caller, timeout=120) as client:
            for row in rows.to_numpy().tolist():
                answer = client.post(self._url, json={"data": [row]})
                answer.raise_for_status()
                ids.append(answer.headers["x-prediction-id"])
                answers += answer.json()["result"]
        return rows.assign(Y=answers), ids


def caller_of(api: Api, model: str) -> dict[str, str]:
    """Return the header of a caller's key, from the command that the app shows."""
    words = shlex.split(api.get(f"/api/models/{model}")["call"])
    header = Path(words[words.index("-H") + 1].removeprefix("@")).read_text(encoding="utf-8")
    name, _, value = header.strip().partition(": ")
    return {name: value}
