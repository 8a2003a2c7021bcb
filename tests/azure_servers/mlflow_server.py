"""A workspace's tracking endpoint: a real MLflow server behind Azure ML's address and its tokens.

On Azure ML the id of an MLflow run is the name of its job. MLflow gives ids of its own, so that the
endpoint makes an MLflow run for each job and translates between the two.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from function_app.adapters.local.reach.processes import free_port
from tests.azure_servers.arm import DENIED, audience
from tests.azure_servers.arm_ml import MachineLearning
from tests.azure_servers.base import Answer, Request, Server
from tests.azure_servers.tls import Tls
from tests.funchost.conftest import until
from tests.made_once import prepared
from tests.patience import PATIENCE

JOB = "job"  # the tag of an MLflow run with the name of its job


class TrackingEndpoint(Server):
    """Answers `/mlflow/v1.0/subscriptions/...`; `mlflow` is the address of the real server."""

    def __init__(self, tls: Tls, ml: MachineLearning, mlflow: str) -> None:
        self.mlflow, self._ml = mlflow, ml
        self.refuses = self.loses_answers = False
        super().__init__(self._respond, tls)
        self._prefix = f"/mlflow/v1.0{ml.path('')}"
        ml.tracking = f"azureml://{self.url.removeprefix('https://')}{self._prefix}"

    def _respond(self, request: Request) -> Answer:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if audience(token).rstrip("/") != self._ml.arm.url:
            return Answer(status=401, content={"error": {"code": "UserError"}})
        if self.refuses:
            return DENIED
        body = request.json
        if f"/jobs/{body['run_id']}" not in self._ml.resources:
            return Answer(status=404, content={"error_code": "RESOURCE_DOES_NOT_EXIST"})
        body["run_id"] = self._run(body["run_id"])
        answer = self._ask(request.path.removeprefix(self._prefix), body)
        # 400: the one error after which the SDK does not send the request again.
        status = 400 if self.loses_answers else answer.status_code
        return Answer(status=status, body=answer.content)

    def forget(self) -> None:
        """Delete every run, so that the next test may use the same names."""
        for run in self._run_ids(""):
            self._ask("/api/2.0/mlflow/runs/delete", {"run_id": run})

    def _run(self, job: str) -> str:
        """Return the id of the MLflow run of a job; the first call makes it."""
        if found := self._run_ids(f"tags.{JOB} = '{job}'"):
            return found[0]
        made = {"experiment_id": "0", "run_name": job, "tags": [{"key": JOB, "value": job}]}
        run = self._ask("/api/2.0/mlflow/runs/create", made).json()["run"]
        return str(run["info"]["run_id"])

    def _run_ids(self, query: str) -> list[str]:
        asked = {"experiment_ids": ["0"], "filter": query}
        runs = self._ask("/api/2.0/mlflow/runs/search", asked).json().get("runs", [])
        return [str(run["info"]["run_id"]) for run in runs]

    def _ask(self, path: str, body: dict[str, Any]) -> httpx.Response:
        headers = {"Content-Type": "application/json"}
        return httpx.post(self.mlflow + path, content=json.dumps(body), headers=headers)


@contextmanager
def mlflow_server(folder: Path) -> Iterator[str]:
    """Run `mlflow server` with its database in this folder; yield its address."""
    port, database = free_port(), folder / "mlflow.db"
    # With the tables of this version: to make them takes longer than a test.
    shutil.copy(prepared() / "mlflow.db", database)
    words = ["server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    words += ["--backend-store-uri", f"sqlite:///{database}"]
    words += ["--artifacts-destination", str(folder / "artifacts")]
    log = folder / "mlflow.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "mlflow", *words],
            # Jobs of MLflow's own need packages that are not here.
            env={**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    url = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        assert process.poll() is None, log.read_text()
        try:
            return httpx.get(f"{url}/health").status_code == 200
        except httpx.TransportError:
            return False

    try:
        until(answers, "MLflow to answer", 300)
        yield url
    finally:
        process.terminate()
        process.wait(PATIENCE)
