"""The steps around a deployment that Bicep cannot do, for azd and for build systems alike.

`python -m infra.hooks stage|namespace|events [--outputs FILE]`: values come from the environment,
or from the outputs of `az deployment sub create` in a file.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from infra.stage_app import stage_app

ROOT = Path(__file__).resolve().parents[1]
# A role that was just given takes minutes to count.
ATTEMPTS, PAUSE_SECONDS = 10, 30.0


def stage(values: Mapping[str, str]) -> None:
    """Put the folder dist/app together for the Durable backend of this environment."""
    backend = values.get("MLOPS_DURABLE_BACKEND") or "scheduler"
    print(stage_app(ROOT, ROOT / "dist" / "app", backend))


def namespace(values: Mapping[str, str]) -> None:
    """Make the models' namespace in the cluster, when there is a cluster."""
    if not values.get("MLOPS_CLUSTER"):
        print("There is no cluster, so there is no namespace to make.")
        return
    name = _need(values, "MLOPS_CLUSTER_NAMESPACE")
    manifest = f"kubectl create namespace {name} --dry-run=client -o yaml | kubectl apply -f -"
    command = (
        "aks", "command", "invoke",
        "--resource-group", _need(values, "AZURE_RESOURCE_GROUP"),
        "--name", _need(values, "MLOPS_CLUSTER"),
        "--command", manifest,
        "--query", "exitCode",
        "--output", "tsv",
    )  # fmt: skip
    attempts = int(values.get("MLOPS_HOOK_ATTEMPTS", ATTEMPTS))
    for attempt in range(attempts):
        if attempt:
            time.sleep(float(values.get("MLOPS_HOOK_PAUSE", PAUSE_SECONDS)))
        done = _az(*command)
        # The command line succeeds when kubectl did not; what counts is kubectl's own exit code.
        if done.returncode == 0 and done.stdout.strip() == "0":
            print(f"The namespace {name} is there.")
            return
    raise SystemExit(
        f"The namespace {name} could not be made. The role Azure Kubernetes Service RBAC Cluster "
        f"Admin may be missing (docs/roles.md). {done.stderr.strip()}"
    )


def events(values: Mapping[str, str]) -> None:
    """Subscribe the deployed function to its events."""
    parameters = {
        "appName": "MLOPS_APP_NAME",
        "dataTopicName": "MLOPS_DATA_TOPIC",
        "workspaceTopicName": "MLOPS_WORKSPACE_TOPIC",
        "registryTopicName": "MLOPS_REGISTRY_TOPIC",
        "ownTopicName": "MLOPS_OWN_TOPIC",
        "dataStorageName": "MLOPS_DATA_STORAGE",
    }
    done = _az(
        "deployment", "group", "create",
        "--name", "mlops-events",
        "--resource-group", _need(values, "AZURE_RESOURCE_GROUP"),
        "--template-file", str(ROOT / "infra" / "events.bicep"),
        "--output", "none",
        "--parameters", *(f"{key}={_need(values, name)}" for key, name in parameters.items()),
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"The event subscriptions could not be made. {done.stderr.strip()}")
    print("The function is subscribed to its events.")


def _need(values: Mapping[str, str], name: str) -> str:
    if not values.get(name):
        raise SystemExit(f"{name} is not set. Run `azd provision`, or pass --outputs FILE.")
    return values[name]


def _az(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = shutil.which("az")
    if command is None:
        raise SystemExit("The Azure CLI (az) is not installed.")
    return subprocess.run([command, *arguments], capture_output=True, text=True, check=False)


def read_outputs(path: Path) -> dict[str, str]:
    """Return the outputs of a deployment; Azure changes the case of their first letters."""
    content = json.loads(path.read_text("utf-8"))
    return {name.upper(): str(entry["value"]) for name, entry in content.items()}


STEPS = {"stage": stage, "namespace": namespace, "events": events}


def main(arguments: list[str], environ: Mapping[str, str]) -> int:
    """Do one step."""
    values = dict(environ)
    if len(arguments) == 3 and arguments[1] == "--outputs":
        values.update(read_outputs(Path(arguments[2])))
    elif len(arguments) != 1:
        arguments = [""]
    if arguments[0] not in STEPS:
        print(f"usage: python -m infra.hooks {'|'.join(STEPS)} [--outputs FILE]", file=sys.stderr)
        return 2
    STEPS[arguments[0]](values)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))  # noqa: TID251 (a tool of its own, not the app)
