"""git's protocol through the ssh program, with the app's key and no user's configuration."""

import os
import subprocess
from urllib.parse import urlsplit

from dulwich.client import SSHGitClient, SSHVendor, SubprocessWrapper

from function_app.adapters.git.address import Address
from function_app.adapters.git.remote import ErrorLineReader, ServerError


def ssh_client(address: Address, key: str, known_hosts: str) -> tuple[SSHGitClient, str]:
    """Return a client of the address and the path of the repository there."""
    vendor = _Ssh(key, known_hosts)
    if "://" in address.url:
        parts = urlsplit(address.url)
        host, port, user, path = parts.hostname or "", parts.port, parts.username, parts.path
    else:
        user, _, host = address.url.partition(":")[0].rpartition("@")
        port, path = None, address.url.partition(":")[2]
    client = SSHGitClient(
        host, port=port, username=user or None, vendor=vendor, thin_packs=False, quiet=True
    )
    return client, path


class _Ssh(SSHVendor):
    def __init__(self, key: str, known_hosts: str) -> None:
        self._options = ["-F", os.devnull, "-i", key, "-o", "IdentitiesOnly=yes"]
        self._options += ["-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes"]
        self._options += ["-o", "ClearAllForwardings=yes", "-o", "ConnectTimeout=15", "-x"]
        if known_hosts:
            self._options += ["-o", f"UserKnownHostsFile={known_hosts}"]

    def run_command(
        self,
        host: str,
        command: bytes,
        username: str | None = None,
        port: int | None = None,
        password: str | None = None,
        key_filename: str | None = None,
        ssh_command: str | None = None,
        protocol_version: int | None = None,
    ) -> SubprocessWrapper:
        where = f"{username}@{host}" if username else host
        words = ["ssh", *self._options, "-o", "SetEnv=GIT_PROTOCOL=version=2"]
        words += ["-p", str(port)] if port else []
        try:
            process = subprocess.Popen(
                [*words, "--", where, command.decode()],
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
        except OSError as error:
            raise ServerError(
                "There is no ssh program on this machine.",
                "Give an https:// address with MLOPS_GIT_TOKEN_<HOST>, or install ssh.",
            ) from error
        connection = SubprocessWrapper(process)
        connection.read = ErrorLineReader(connection.read)
        return connection
