"""Live traffic to a scoring service, like its training data or moved away from it."""

import io
import shlex
from pathlib import Path

import httpx
import numpy as np
import pandas as pd

from mlopsctl.reach.client import Api

BMI, REQUESTS, ROWS = "bmi", 12, 50


class Traffic:
    """Asks production for rows drawn from the training data, one column moved."""

    def __init__(self, data: str, endpoint: str, caller: dict[str, str]) -> None:
        self._caller = caller
        self._rows = pd.read_csv(io.StringIO(data)).drop(columns="Y")
        self._rng = np.random.default_rng(0)
        self._url = f"{endpoint}/score"

    def send(self, shift: float) -> tuple[pd.DataFrame, list[str]]:
        """Move bmi by so many standard deviations; return rows with answers, and the ids."""
        sent, ids = [], []
        for _ in range(REQUESTS):
            rows = self._rows.sample(ROWS, replace=True, random_state=self._rng).copy()
            rows[BMI] += shift * self._rows[BMI].std()
            ask = {"data": rows.to_numpy().tolist()}
            answer = httpx.post(self._url, json=ask, headers=self._caller)
            answer.raise_for_status()
            ids += [f"{answer.headers['x-prediction-id']}/{n}" for n in range(ROWS)]
            sent.append(rows.assign(Y=answer.json()["result"]))
        return pd.concat(sent), ids


def caller_of(api: Api, model: str) -> dict[str, str]:
    """Return the header of a caller's key, from the command that the app shows."""
    words = shlex.split(api.get(f"/api/models/{model}")["call"])
    header = Path(words[words.index("-H") + 1].removeprefix("@")).read_text(encoding="utf-8")
    name, _, value = header.strip().partition(": ")
    return {name: value}
