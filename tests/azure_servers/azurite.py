"""Azurite, Microsoft's emulator of storage, over https and with tokens as Azure's storage has it."""

import base64
import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from threading import Thread
from typing import IO

from tests.azure_servers.tls import Tls
from tests.npm import install
from tests.patience import PATIENCE

VERSION = "3.35.0"
# Of an Azurite that is started without options.
BLOB_PORT = 10000
ACCOUNTS = 500
_SERVICES = ("Blob", "Queue", "Table")


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A storage account of its own for each test, empty at first."""

    name: str
    blob_endpoint: str
    tables_endpoint: str


@dataclass(slots=True, kw_only=True)
class Azurite:
    """A running emulator and its accounts."""

    ports: dict[str, int]
    numbers: Iterator[int] = field(default_factory=count)

    def account(self) -> Account:
        """Return an unused account."""
        name = f"account{next(self.numbers):04d}"
        return Account(
            name=name,
            blob_endpoint=f"https://127.0.0.1:{self.ports['Blob']}/{name}",
            tables_endpoint=f"https://127.0.0.1:{self.ports['Table']}/{name}",
        )


@contextmanager
def running(folder: Path, tls: Tls) -> Iterator[Azurite]:
    """Run Azurite on free ports with its files in a folder."""
    program = install("azurite", VERSION) / "dist" / "src" / "azurite.js"
    key = base64.b64encode(b"a key that nobody uses: tokens do").decode()
    accounts = ";".join(f"account{number:04d}:{key}" for number in range(ACCOUNTS))
    command = ["node", str(program), "--disableTelemetry", "--skipApiVersionCheck"]
    command += ["--oauth", "basic", "--cert", str(tls.certificate), "--key", str(tls.key)]
    command += ["--location", str(folder), "--silent"]
    command += ["--blobPort", "0", "--queuePort", "0", "--tablePort", "0"]
    with _started(command, {"AZURITE_ACCOUNTS": accounts}) as ports:
        yield Azurite(ports=ports)


@contextmanager
def development_storage(folder: Path) -> Iterator[None]:
    """Let `UseDevelopmentStorage=true` work: Azurite at its own ports, started unless one runs."""
    with socket.socket() as probe:
        runs = probe.connect_ex(("127.0.0.1", BLOB_PORT)) == 0
    if runs:
        yield
        return
    program = install("azurite", VERSION) / "dist" / "src" / "azurite.js"
    command = ["node", str(program), "--disableTelemetry", "--skipApiVersionCheck"]
    with _started([*command, "--location", str(folder), "--silent"], {}):
        yield


@contextmanager
def _started(command: list[str], environ: dict[str, str]) -> Iterator[dict[str, int]]:
    """Run Azurite; yield the port of each service."""
    process = subprocess.Popen(
        command,
        env={**os.environ, **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    # A thread must read the output, because Azurite stops when the pipe is full.
    reader = Thread(target=process.stdout.read, daemon=True)
    try:
        ports = _ports(process.stdout)
        reader.start()
        yield ports
    finally:
        process.terminate()
        process.wait(PATIENCE)
        if reader.ident:
            reader.join()
        process.stdout.close()


def _ports(output: IO[str]) -> dict[str, int]:
    ports: dict[str, int] = {}
    said = []
    for line in output:
        said.append(line)
        if "successfully listening" in line:
            ports[line.split()[1]] = int(line.rsplit(":", 1)[1])
        if len(ports) == len(_SERVICES):
            return ports
    raise RuntimeError(f"Azurite ended: {''.join(said)[-300:]}")
