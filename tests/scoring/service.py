"""The scoring service as a process of its own, as containers run it."""

import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx

from function_app.adapters.local.reach.processes import free_port
from tests.azure_servers.identity import CLIENT, EXCHANGE, TENANT, IdentityServer, Signer
from tests.azure_servers.tls import Tls
from tests.funchost.conftest import until
from tests.patience import PATIENCE
from tests.scoring.keys import CALLER, KEYS

SUBJECT = "system:serviceaccount:models:scoring"


@contextmanager
def serving(model: Path, environ: Mapping[str, str]) -> Iterator[httpx.Client]:
    """Serve a model; at the end the service is stopped as Kubernetes stops it."""
    port = free_port()
    command = [sys.executable, "-m", "scoring", "--model", str(model), "--port", str(port)]
    process = subprocess.Popen(command, env={**KEYS, **environ})
    try:
        with httpx.Client(
            base_url=f"http://127.0.0.1:{port}", headers=CALLER, timeout=120
        ) as client:
            until(lambda: process.poll() is not None or _answers(client), "the server")
            assert process.poll() is None
            yield client
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE)


@contextmanager
def pod_identity(tls: Tls, folder: Path) -> Iterator[dict[str, str]]:
    """Give the variables of a pod under workload identity, and an Entra that trusts the cluster."""
    cluster, token = Signer("cluster"), folder / "token"
    token.write_text(cluster.token(EXCHANGE, sub=SUBJECT))
    with IdentityServer(tls) as entra:
        entra.trusted[SUBJECT] = cluster, CLIENT
        yield {
            "AZURE_CLIENT_ID": CLIENT,
            "AZURE_TENANT_ID": TENANT,
            "AZURE_FEDERATED_TOKEN_FILE": str(token),
            "AZURE_AUTHORITY_HOST": entra.url,
            "REQUESTS_CA_BUNDLE": str(tls.ca_file),
        }


def _answers(client: httpx.Client) -> bool:
    try:
        return client.get("/healthz").status_code == 200
    except httpx.TransportError:
        return False
