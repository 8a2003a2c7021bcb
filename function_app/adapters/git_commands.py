"""Runs git without anybody's configuration, hooks and prompts, and with no token in its words."""

import base64
import os
import re
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from function_app.adapters.git_address import Address
from function_app.errors import ContractError, PlatformError
from function_app.git_settings import GitSettings

# Set by the shell, because a fork in a threaded host must not run Python: the largest file that
# git may write, so that a commit of gigabytes ends before it fills the disk. Blocks of 512 bytes.
_SHELL = 'ulimit -f "$1"; shift; exec git "$@"'
_PACK_BLOCKS = 1_000_000_000 // 512
_PASSED_ON = ("PATH", "LANG", "SYSTEMROOT", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy")
_NEVER = {
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "false",
    "core.symlinks": "false",
    "credential.helper": "",
    "fetch.recurseSubmodules": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "protocol.allow": "never",
    "protocol.ext.allow": "never",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a git command ended; `text` is what it complained of, without credentials."""

    code: int
    output: bytes
    text: str


class Git:
    """One repository at one address, seen through a bare repository in `folder`."""

    def __init__(self, folder: Path, address: Address, settings: GitSettings) -> None:
        self._folder, self._address, self._settings = folder, address, settings

    def init(self) -> None:
        """Make the bare repository."""
        self._must(self.run("init", "--quiet", "--bare", "--template=", str(self._folder)))

    def run(self, *words: str, feed: bytes = b"") -> Ended:
        """Run a command that reads nothing from elsewhere."""
        return self._start(words, _NEVER, feed)

    def remote(self, *words: str) -> Ended:
        """Run a command that may read from the address, and from nowhere else."""
        return self._start(words, self._reachable(), b"")

    def must(self, *words: str, feed: bytes = b"") -> bytes:
        """Run a command and return its output; PlatformError when it fails."""
        return self._must(self.run(*words, feed=feed))

    def _must(self, ended: Ended) -> bytes:
        if ended.code:
            raise PlatformError("git", "read the repository", f"{ended.text} See the host's log.")
        return ended.output

    def _reachable(self) -> dict[str, str]:
        address, settings = self._address, self._settings
        config = {**_NEVER, f"protocol.{address.protocol}.allow": "always"}
        config["remote.origin.url"] = address.url
        if address.protocol in ("http", "https"):
            config["http.lowSpeedLimit"], config["http.lowSpeedTime"] = "1000", "30"
            if settings.ca_file:
                config["http.sslCAInfo"] = settings.ca_file
            if token := settings.token(address.host):
                # Any user name does: GitHub, GitLab, Gitea and Azure DevOps read the password.
                basic = base64.b64encode(f"x-access-token:{token}".encode()).decode()
                config[f"http.{address.site}.extraHeader"] = f"Authorization: Basic {basic}"
                # A redirection would take the header to another host.
                config["http.followRedirects"] = "false"
        return config

    def _start(self, words: tuple[str, ...], config: Mapping[str, str], feed: bytes) -> Ended:
        shell = ["/bin/sh", "-c", _SHELL, "sh", str(_PACK_BLOCKS), *words]
        try:
            process = subprocess.Popen(
                shell,
                cwd=self._folder if self._folder.is_dir() else self._folder.parent,
                env=self._environ(config),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            raise PlatformError("git", "start", "There is no shell. Use a POSIX system.") from error
        try:
            output, complaint = process.communicate(feed, self._settings.timeout_seconds)
        except subprocess.TimeoutExpired as error:
            raise PlatformError(
                "git",
                f"{words[0]} from {self._address.host or 'this machine'}",
                f"It took longer than {self._settings.timeout_seconds:.0f} seconds. Try again, or "
                "raise MLOPS_GIT_TIMEOUT_SECONDS.",
            ) from error
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.communicate()
        if process.returncode == 127:
            raise PlatformError("git", "start", "There is no git on this machine. Install it.")
        if process.returncode in (-signal.SIGXFSZ, 128 + signal.SIGXFSZ):
            raise ContractError("The commit is larger than 1 GB. Keep data out of the repository.")
        return Ended(code=process.returncode, output=output, text=self._redacted(complaint))

    def _environ(self, config: Mapping[str, str]) -> dict[str, str]:
        environ = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        environ |= {
            "HOME": str(self._folder.parent),
            "GIT_DIR": str(self._folder),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ASKPASS": "/bin/false",
            "SSH_ASKPASS": "/bin/false",
            "GIT_NO_LAZY_FETCH": "1",
            "GIT_LFS_SKIP_SMUDGE": "1",
            "GIT_OPTIONAL_LOCKS": "0",
            "LC_ALL": "C",
        }
        if self._address.protocol == "ssh":
            environ["GIT_SSH_COMMAND"] = self._ssh()
        # Through the environment: arguments are visible to every user of the machine.
        for number, (key, value) in enumerate(config.items()):
            environ[f"GIT_CONFIG_KEY_{number}"] = key
            environ[f"GIT_CONFIG_VALUE_{number}"] = value
        environ["GIT_CONFIG_COUNT"] = str(len(config))
        return environ

    def _ssh(self) -> str:
        key, hosts = self._settings.ssh_key, self._settings.ssh_known_hosts
        options = ["-F", os.devnull, "-i", _quoted(key), "-o", "IdentitiesOnly=yes"]
        options += ["-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes"]
        options += ["-o", "ClearAllForwardings=yes", "-o", "ConnectTimeout=15"]
        if hosts:
            options += ["-o", f"UserKnownHostsFile={_quoted(hosts)}"]
        return " ".join(["ssh", *options])

    def _redacted(self, complaint: bytes) -> str:
        lines = complaint.decode(errors="replace").strip().splitlines()
        text = " ".join(line.strip() for line in lines[-3:])[:300]
        text = re.sub(r"(://)[^/\s@]*@", r"\1", text)
        token = self._settings.token(self._address.host)
        return text.replace(token, "***") if token else text


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
