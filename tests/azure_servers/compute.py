"""A compute target of Azure ML on this machine: it runs a job's command on the job's inputs."""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.azure_servers.arm_ml import MachineLearning
from tests.azure_servers.blob import BlobServer

_DATASTORE = re.compile(r"azureml://datastores/mlops/paths/(?P<name>.+)")
_MODEL = re.compile(r".*/models/(?P<model>[^/]+)/versions/(?P<version>[^/]+)")
_OUTPUT = re.compile(r"azureml://jobs/(?P<job>[^/]+)/outputs/(?P<output>[^/]+)")


class Compute:
    """Runs one job to its end, as a node does."""

    def __init__(self, ml: MachineLearning, blobs: BlobServer, container: str) -> None:
        self._ml, self._blobs, self._container = ml, blobs, container

    def run(self, job: str) -> str:
        """Run a job and give it its status; return what it wrote to its log."""
        properties = self._ml.resources[f"/jobs/{job}"]["properties"]
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            command = self._bind(properties, root)
            # As on a node: the environment's interpreter, and nothing of this process's settings.
            path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
            ended = subprocess.run(
                ["bash", "-c", command],
                cwd=root,
                env={"PATH": path, "HOME": folder},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
            if ended.returncode == 0:
                for name, output in properties["outputs"].items():
                    self._upload(root / f"output-{name}", output["uri"])
        self._ml.move(job, "Completed" if ended.returncode == 0 else "Failed")
        return ended.stdout

    def _bind(self, properties: dict[str, Any], root: Path) -> str:
        command: str = properties["command"]
        for name, given in properties["inputs"].items():
            value = given.get("value") or str(self._download(given, root / f"input-{name}"))
            command = command.replace(f"${{{{inputs.{name}}}}}", value)
        for name in properties["outputs"]:
            (root / f"output-{name}").mkdir()
            command = command.replace(f"${{{{outputs.{name}}}}}", str(root / f"output-{name}"))
        return command

    def _download(self, given: dict[str, Any], target: Path) -> Path:
        prefix = self._name(given["uri"])
        blobs = self._blobs.containers[self._container]
        if given["jobInputType"] == "uri_file":
            target.write_bytes(blobs[prefix])
            return target
        found = {n: c for n, c in blobs.items() if n.startswith(prefix.rstrip("/") + "/")}
        assert found, f"nothing below {prefix}"
        for name, content in found.items():
            path = target / name.removeprefix(prefix.rstrip("/") + "/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return target

    def _upload(self, folder: Path, uri: str) -> None:
        for path in folder.rglob("*"):
            if path.is_file():
                name = self._name(uri).rstrip("/") + "/" + path.relative_to(folder).as_posix()
                self._blobs.put(self._container, name, path.read_bytes())

    def _name(self, uri: str) -> str:
        """Return the blob, or the folder of blobs, that an address stands for."""
        if found := _DATASTORE.fullmatch(uri):
            return found["name"]
        if found := _MODEL.fullmatch(uri):
            rest = f"/models/{found['model']}/versions/{found['version']}"
            return self._name(self._ml.resources[rest]["properties"]["modelUri"])
        found = _OUTPUT.fullmatch(uri)
        assert found, uri
        outputs = self._ml.resources[f"/jobs/{found['job']}"]["properties"]["outputs"]
        return self._name(outputs[found["output"]]["uri"])
