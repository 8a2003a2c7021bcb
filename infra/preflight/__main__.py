"""`python -m infra.preflight --environment dev`: checks whether a deployment can succeed.

It asks Azure as the person of `az login` and changes nothing. Exit code 1 when a finding is bad.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from function_app.adapters.azure.reach.connection import Connection
from function_app.settings.azure import read_azure_settings
from infra.check import compile as compiler
from infra.preflight.azure import Subscription
from infra.preflight.findings import Finding, run
from infra.preflight.needs import Needs, read_needs
from infra.preflight.templates import snapshot

# The parameter file of each environment; azd reads the choices from its own environment.
FILES = {"dev": "dev", "prod": "prod", "azd": "main"}
_DEFAULT_LOCATION = "westeurope"


def main(arguments: list[str], environ: Mapping[str, str]) -> int:
    """Print the findings; return 1 when one is bad."""
    parser = argparse.ArgumentParser(prog="python -m infra.preflight", description=__doc__)
    parser.add_argument(
        "--environment", choices=sorted(FILES), required=True, help="which parameter file"
    )
    parser.add_argument(
        "--subscription", help="id; else AZURE_SUBSCRIPTION_ID, else that of `az account show`"
    )
    parser.add_argument("--location", help=f"region; else AZURE_LOCATION, else {_DEFAULT_LOCATION}")
    parser.add_argument(
        "--snapshot", type=Path, help="a snapshot of the compiler, instead of compiling"
    )
    given = parser.parse_args(arguments)
    subscription = given.subscription or environ.get("AZURE_SUBSCRIPTION_ID") or _chosen(environ)
    if not subscription:
        parser.error("no subscription: sign in (`az login`), or pass --subscription")
    location = given.location or environ.get("AZURE_LOCATION") or _DEFAULT_LOCATION
    findings = list(_check(given, environ, subscription, location))
    for finding in findings:
        print(finding)
    bad = sum(not finding.ok for finding in findings)
    print(f"{len(findings)} findings, {bad} bad. Nothing was changed.")
    return 1 if bad else 0


def _check(
    given: argparse.Namespace, environ: Mapping[str, str], subscription: str, location: str
) -> Iterator[Finding]:
    about, needs = "Bicep compiler", None
    try:
        if given.snapshot:
            needs = read_needs(json.loads(given.snapshot.read_text("utf-8")))
        else:
            path, version = compiler.find(environ)
            yield Finding(about=about, seen=f"{version} ({path})")
            file = FILES[given.environment]
            needs = read_needs(snapshot(path, file, environ, subscription, location))
    except compiler.CompileError as error:
        yield Finding(about=about, seen=str(error), action=compiler.INSTALL)
    except (OSError, ValueError, KeyError) as error:
        action = "Pass a file that `bicep snapshot` wrote, or leave --snapshot out."
        yield Finding(
            about=f"snapshot {given.snapshot}", seen=f"cannot be read: {error}", action=action
        )
    azure = Subscription(_connection(environ, subscription, location), subscription, location)
    yield from run([("roles of the deployer", azure.roles)])
    if needs is not None:
        yield from _of_templates(azure, needs)


def _of_templates(azure: Subscription, needs: Needs) -> Iterator[Finding]:
    yield from run(
        [
            ("resource providers", lambda: azure.providers(needs)),
            ("Flex Consumption", lambda: azure.flex(needs)),
            ("VM sizes", lambda: azure.sizes(needs)),
            ("vCPU quotas", lambda: azure.quotas(needs)),
            ("names", lambda: azure.names(needs)),
        ]
    )


def _connection(environ: Mapping[str, str], subscription: str, location: str) -> Connection:
    """Return a connection as the adapters have it; other clouds by the adapters' own settings."""
    clouds = ("MLOPS_AZURE_MANAGEMENT_ENDPOINT", "MLOPS_AZURE_AUTHORITY", "MLOPS_AZURE_CA_FILE")
    names = ("RESOURCE_GROUP", "WORKSPACE", "REGISTRY", "TABLES_ENDPOINT", "BLOB_ENDPOINT")
    settings = read_azure_settings(
        {
            **{name: environ[name] for name in clouds if environ.get(name)},
            # These resources do not exist yet, and no request goes to them.
            **{f"MLOPS_AZURE_{name}": "https://none" for name in names},
            "MLOPS_AZURE_SUBSCRIPTION_ID": subscription,
            "MLOPS_AZURE_LOCATION": location,
        }
    )
    return Connection(settings, retries=2)


def _chosen(environ: Mapping[str, str]) -> str:
    """Return the subscription that the Azure CLI has chosen, "" when there is none."""
    az = shutil.which("az", path=environ.get("PATH"))
    if az is None:
        return ""
    command = [az, "account", "show", "--query", "id", "--output", "tsv"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))  # noqa: TID251 (a tool of its own, not the app)
