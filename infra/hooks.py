"""The steps around a deployment that Bicep cannot do, for azd and for build systems alike.

`python -m infra.hooks budget|principal|stage|base|events [--outputs FILE]`: values come
from the environment, or from the outputs of `az deployment sub create` in a file.
"""

import base64
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from function_app.domain.release.base_image import base_images
from infra.stage_app import stage_app

ROOT = Path(__file__).resolve().parents[1]
# seconds; a new role takes minutes to become effective, a new function to be listed
ATTEMPTS, PAUSE_SECONDS = 10, 30.0


def budget(values: Mapping[str, str]) -> None:
    """Fix the first month of the budget in azd's environment: Azure refuses to change it later."""
    if values.get("MLOPS_BUDGET_START"):
        return
    start = time.strftime("%Y-%m-01", time.gmtime())
    name = values.get("AZURE_ENV_NAME")
    which = ("--environment", name) if name else ()
    done = _run("azd", "env", "set", "MLOPS_BUDGET_START", start, *which)
    if done.returncode:
        raise SystemExit(f"The budget's first month could not be stored. {done.stderr.strip()}")
    print(f"The budget begins at {start}.")


def principal(_: Mapping[str, str]) -> None:
    """Print the object id of the signed-in account from its token, which needs no role."""
    done = _az("account", "get-access-token", "--query", "accessToken", "--output", "tsv")
    parts = done.stdout.strip().split(".")
    if done.returncode or len(parts) != 3:
        raise SystemExit(f"No account is signed in: run `az login`. {done.stderr.strip()}")
    claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    print(claims["oid"])


def stage(values: Mapping[str, str]) -> None:
    """Write the folder dist/app for the Durable backend of this environment."""
    backend = values.get("MLOPS_DURABLE_BACKEND") or "scheduler"
    print(stage_app(ROOT, ROOT / "dist" / "app", backend))


def base(values: Mapping[str, str]) -> None:
    """Import the base image of scoring into the registry, unless it is there, and print its digest.

    Builds name it by this digest, so that none pulls from Docker Hub, whose limit they share.
    """
    registry = _need(values, "MLOPS_REGISTRY")
    dockerfile = (ROOT / "scoring" / "Dockerfile").read_text("utf-8")
    for image in base_images(dockerfile, f"{registry}.azurecr.io"):
        copy = f"{image.copy}:{image.copy_tag}"
        # By digest where the Dockerfile names one, because the tag of the copy may have moved.
        reference = f"{image.copy}@{image.reference}" if image.is_digest else copy
        show = (
            "acr", "repository", "show", "--name", registry, "--image", reference,
            "--query", "digest", "--output", "tsv",
        )  # fmt: skip
        answer = _az(*show)
        if answer.returncode:
            command = (
                *("acr", "import", "--name", registry, "--force"),
                *("--source", image.address, "--image", copy),
            )
            failure = _try(values, command)
            if failure is not None:
                raise SystemExit(f"{image.address} could not be imported. {failure}")
            answer = _az(*show)
        digest = answer.stdout.strip()
        if answer.returncode or not digest.startswith("sha256:"):
            raise SystemExit(
                f"{registry} does not return the digest of {reference}. {answer.stderr.strip()}"
            )
        print(f"The base image is {registry}.azurecr.io/{image.copy}@{digest}.")


def events(values: Mapping[str, str]) -> None:
    """Subscribe the deployed function to its events, as soon as Azure lists it."""
    parameters = {
        "appName": "MLOPS_APP_NAME",
        "dataTopicName": "MLOPS_DATA_TOPIC",
        "workspaceTopicName": "MLOPS_WORKSPACE_TOPIC",
        "registryTopicName": "MLOPS_REGISTRY_TOPIC",
        "ownTopicName": "MLOPS_OWN_TOPIC",
        "dataStorageName": "MLOPS_DATA_STORAGE",
    }
    command = (
        "deployment", "group", "create",
        "--name", "mlops-events",
        "--resource-group", _need(values, "AZURE_RESOURCE_GROUP"),
        "--template-file", str(ROOT / "infra" / "events.bicep"),
        "--output", "none",
        "--parameters", *(f"{key}={_need(values, name)}" for key, name in parameters.items()),
    )  # fmt: skip
    # Event Grid asks for the function, and an app that was just deployed lists it minutes later.
    failure = _try(values, command)
    if failure is not None:
        raise SystemExit(f"The event subscriptions could not be created. {failure}")
    print("The function is subscribed to its events.")


def _try(values: Mapping[str, str], command: Sequence[str]) -> str | None:
    """Retry a call to Azure with pauses; return "" when it succeeded, else the last error."""
    attempts = int(values.get("MLOPS_HOOK_ATTEMPTS", ATTEMPTS))
    pause = float(values.get("MLOPS_HOOK_PAUSE", PAUSE_SECONDS))
    failure = ""
    for attempt in range(attempts):
        if attempt:
            print(f"Not yet; trying again in {pause:g} s.", flush=True)
            time.sleep(pause)
        done = _az(*command)
        if done.returncode == 0:
            return None
        failure = done.stderr.strip()
    return failure


def _need(values: Mapping[str, str], name: str) -> str:
    if not values.get(name):
        raise SystemExit(f"{name} is not set. Run `azd provision`, or pass --outputs FILE.")
    return values[name]


def _az(*arguments: str) -> subprocess.CompletedProcess[str]:
    return _run("az", *arguments)


def _run(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = shutil.which(name)
    if command is None:
        raise SystemExit(f"The command {name} is not installed.")
    return subprocess.run([command, *arguments], capture_output=True, text=True, check=False)


def read_outputs(path: Path) -> dict[str, str]:
    """Return the outputs of a deployment; Azure changes the case of their first letters."""
    content = json.loads(path.read_text("utf-8"))
    return {name.upper(): str(entry["value"]) for name, entry in content.items()}


STEPS = {
    "budget": budget,
    "principal": principal,
    "stage": stage,
    "base": base,
    "events": events,
}


def main(arguments: list[str], environ: Mapping[str, str]) -> int:
    """Run one step; return the exit code."""
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
