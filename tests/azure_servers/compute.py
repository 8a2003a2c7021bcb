"""A compute target of Azure ML on this machine: it runs a job's command on the job's inputs."""

import os
import re
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from function_app.adapters.azure.jobs.jobs import AzureJobs
from function_app.domain.training import RunStatus
from tests.azure_servers.access import CONTAINERS, IDENTITIES, Access
from tests.azure_servers.arm_ml import MachineLearning
from tests.azure_servers.blob import BlobServer
from tests.azure_servers.identity import Signer
from tests.processes import read_each

_DATASTORE = re.compile(r"azureml://datastores/(?P<datastore>\w+)/paths/(?P<name>.+)")
_MODEL = re.compile(r".*/models/(?P<model>[^/]+)/versions/(?P<version>[^/]+)")
_OUTPUT = re.compile(r"azureml://jobs/(?P<job>[^/]+)/outputs/(?P<output>[^/]+)")


# The variable with the token that the node's endpoint gives to every process on the node.
TOKEN = "TOKEN_OF_THE_NODE"
_SIGNER = Signer()


class Compute:
    """Runs one job to its end, as a node does that has the roles of its compute's identity."""

    def __init__(
        self, ml: MachineLearning, blobs: BlobServer, memory_kilobytes: int | None = None
    ) -> None:
        """Take the services, and how much memory the processes on the nodes may have."""
        self._ml, self._blobs, self._memory = ml, blobs, memory_kilobytes

    def run(self, job: str) -> str:
        """Run a job and set its status; return its log."""
        properties = self._ml.resources[f"/jobs/{job}"]["properties"]
        node = properties["computeId"].split("/")[-1]
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            command = self._bind(properties, root, node)
            # As on a node: the environment's interpreter, and nothing of this process's settings.
            path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
            environ = {"PATH": path, "HOME": folder, TOKEN: _token(IDENTITIES[node])}
            environ |= properties.get("environmentVariables") or {}
            limit = f"ulimit -d {self._memory}; " if self._memory else ""
            ended = subprocess.run(
                ["bash", "-c", limit + command],
                cwd=root,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
            _remove_container(f"HOME={folder}".encode())
            for name, output in properties["outputs"].items():
                # A mount writes through; an upload at the end does not happen after a failure.
                if ended.returncode == 0 or output["mode"] == "ReadWriteMount":
                    self._upload(root / f"output-{name}", output["uri"], node)
        self._ml.move(job, "Completed" if ended.returncode == 0 else "Failed")
        return ended.stdout

    def finish(self, run_id: str, jobs: AzureJobs) -> None:
        """Run a job to its end; before an evaluation run the jobs that it waits for."""
        ended = set[str]()
        while jobs.get(run_id).status is RunStatus.RUNNING:
            own, asks = f"/jobs/{run_id}", f"/jobs/{run_id}-asks-"
            named = [name for name in self._ml.resources if name == own or asks in name]
            waiting = [name for name in named if name not in ended]
            assert waiting, f"{run_id} waits for no job"
            ended.update(waiting)
            for name in waiting:
                print(self.run(name.removeprefix("/jobs/")))

    def _bind(self, properties: dict[str, Any], root: Path, node: str) -> str:
        command: str = properties["command"]
        for name, given in properties["inputs"].items():
            target = root / f"input-{name}"
            value = given.get("value") or str(self._download(given, target, node))
            command = command.replace(f"${{{{inputs.{name}}}}}", value)
        for name in properties["outputs"]:
            (root / f"output-{name}").mkdir()
            command = command.replace(f"${{{{outputs.{name}}}}}", str(root / f"output-{name}"))
        return command

    def _download(self, given: dict[str, Any], target: Path, node: str) -> Path:
        container, prefix = self._blob_path(given["uri"])
        blobs = self._blobs.containers[container]
        access = Access.of(IDENTITIES[node])
        if given["jobInputType"] == "uri_file":
            access.refuse_unless_reads(container, prefix)
            target.write_bytes(blobs[prefix])
            return target
        found = {n: c for n, c in blobs.items() if n.startswith(prefix.rstrip("/") + "/")}
        assert found, f"nothing below {prefix}"
        for name, content in found.items():
            access.refuse_unless_reads(container, name)
            path = target / name.removeprefix(prefix.rstrip("/") + "/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return target

    def _upload(self, folder: Path, uri: str, node: str) -> None:
        container, prefix = self._blob_path(uri)
        Access.of(IDENTITIES[node]).refuse_unless_writes(container)
        for path in folder.rglob("*"):
            if path.is_file():
                name = prefix.rstrip("/") + "/" + path.relative_to(folder).as_posix()
                self._blobs.put(container, name, path.read_bytes())

    def _blob_path(self, uri: str) -> tuple[str, str]:
        """Return the container and the blob, or folder of blobs, that an address stands for."""
        if found := _DATASTORE.fullmatch(uri):
            return CONTAINERS[found["datastore"]], found["name"]
        if found := _MODEL.fullmatch(uri):
            rest = f"/models/{found['model']}/versions/{found['version']}"
            return self._blob_path(self._ml.resources[rest]["properties"]["modelUri"])
        found = _OUTPUT.fullmatch(uri)
        assert found, uri
        outputs = self._ml.resources[f"/jobs/{found['job']}"]["properties"]["outputs"]
        return self._blob_path(outputs[found["output"]]["uri"])


def _token(identity: str) -> str:
    """Return a token for storage, as the endpoint of a node gives it to each process."""
    return _SIGNER.token("https://storage.azure.com", appid=identity)


def _remove_container(mark: bytes) -> None:
    """Kill the processes that a job left behind, as the end of its container does.

    A variable of their environment names these tokens.
    """
    for process, variables in read_each("environ"):
        if mark in variables.split(b"\0"):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
