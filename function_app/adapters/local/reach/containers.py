"""Containers of this machine, by the commands of podman or docker.

An engine counts only together with its base image (Python and scoring's requirements), made by
`make base-image`. Without both, processes run instead of containers.
"""

import io
import json
import resource
import shlex
import shutil
import subprocess
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from function_app.adapters.local.reach.files import sha256
from function_app.adapters.scoring_service.scoring_keys import KEYS
from function_app.errors import PlatformError
from function_app.telemetry import OTLP_ENDPOINT

PORT = 8080
LABEL = "org.opencontainers.image.digest"
NOBODY = "65534:65534"
# The engines in order of preference. runc may work where cgroups of the machine stop podman's
# runtime.
ENGINES = (("podman",), ("podman", "--runtime", "runc"), ("docker",))
# The engines ask for more than this process may give, and refuse to start at all.
LIMITS = {"nofile": resource.RLIMIT_NOFILE, "nproc": resource.RLIMIT_NPROC}
MOST = 4096
# The name of this machine inside a container; docker needs an option for it.
HOST = "host.containers.internal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A container that runs: the image it was made from and its port on this machine."""

    digest: str
    port: int


class Containers:
    """The containers of one state folder; several folders share the machine's engine."""

    def __init__(self, engine: list[str], base: str, state: Path) -> None:
        self._engine, self._base = engine, base
        self._prefix = f"mlops-{sha256(str(state).encode())[:8]}"

    @property
    def kind(self) -> str:
        return f"container ({Path(self._engine[0]).name})"

    def base_id(self) -> str | None:
        """Return the id of the base image, or None when this machine has none."""
        answer = self._try("image", "inspect", "--format", "{{.Id}}", self._base)
        return None if answer is None else answer.strip().removeprefix("sha256:")

    def save_base(self, archive: Path) -> None:
        """Write the base image as an archive with an OCI layout."""
        form = ["--format", "oci-archive"] if "podman" in self._engine[0] else []
        self._ask("image", "save", *form, "--output", str(archive), self._base)

    def find(self, name: str) -> Running | None:
        """Return the container of this name when it runs."""
        answer = self._try("container", "inspect", self._name(name))
        if answer is None:
            return None
        described = json.loads(answer)[0]
        bindings = described["NetworkSettings"]["Ports"].get(f"{PORT}/tcp")
        if not described["State"]["Running"] or not bindings:
            return None
        digest = described["Config"]["Labels"][LABEL]
        return Running(digest=digest, port=int(bindings[0]["HostPort"]))

    def start(
        self,
        name: str,
        digest: str,
        layout: Mapping[str, bytes | Path],
        keys: str,
        collector: str = "",
    ) -> None:
        """Run the image of this OCI layout, without rights, on a port that the engine chooses.

        `keys` are the digests of the keys that the service takes.
        Spans go to the collector, which must listen on more than the loopback address.
        """
        image = self._load(layout)
        options = ["--init", "--read-only", "--cap-drop=all", "--memory=1g", f"--user={NOBODY}"]
        options += ["--security-opt=no-new-privileges", f"--publish=127.0.0.1::{PORT}"]
        # A scoring script's model passes through it; podman has one anyway, docker has not.
        options += ["--tmpfs=/tmp:rw,noexec,nosuid,size=64m", *_ulimits()]
        identity = ["--name", self._name(name), "--label", f"{LABEL}={digest}"]
        variables = ["--env", f"IMAGE_DIGEST={digest}", "--env", f"{KEYS}={keys}"]
        if collector:
            variables += ["--env", f"{OTLP_ENDPOINT}={address_in_container(collector)}"]
            options += [f"--add-host={HOST}:host-gateway"] if "docker" in self._engine[0] else []
        self._ask("run", "--detach", *options, *identity, *variables, image)

    def stop(self, name: str) -> None:
        """Remove the container, whether it runs or not."""
        if self._try("container", "inspect", self._name(name)) is not None:
            self._ask("rm", "--force", self._name(name))

    def log_tail(self, name: str) -> str:
        """Return the last lines that the container wrote."""
        command = [*self._engine, "logs", "--tail", "3", self._name(name)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return " | ".join((done.stdout + done.stderr).strip().splitlines()[-3:])

    def _load(self, layout: Mapping[str, bytes | Path]) -> str:
        """Load the layout into the engine; return the reference of the image there."""
        command = [*self._engine, "load", "--quiet"]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as engine:
            assert engine.stdin
            assert engine.stdout
            try:
                with engine.stdin as stdin, tarfile.open(fileobj=stdin, mode="w|") as archive:
                    for name, content in layout.items():
                        _add(archive, name, content)
            except BrokenPipeError:
                pass  # the engine has said why
            said = engine.stdout.read().decode(errors="replace").strip()
        if engine.returncode:
            raise PlatformError("local", "load the image", f"{self._engine[0]} says: {said[-300:]}")
        return said.splitlines()[-1].partition(": ")[2]

    def _name(self, name: str) -> str:
        return f"{self._prefix}-{name}"

    def _try(self, *words: str) -> str | None:
        done = subprocess.run([*self._engine, *words], capture_output=True, text=True, check=False)
        return done.stdout if done.returncode == 0 else None

    def _ask(self, *words: str) -> str:
        done = subprocess.run([*self._engine, *words], capture_output=True, text=True, check=False)
        if done.returncode:
            said = done.stderr.strip()[-300:]
            raise PlatformError("local", f"{self._engine[0]} {words[0]}", f"It says: {said}")
        return done.stdout


def address_in_container(address: str) -> str:
    """Return the address of a service on this machine as a container can reach it."""
    parts = urlsplit(address)
    if parts.hostname not in ("127.0.0.1", "localhost", "::1"):
        return address
    port = f":{parts.port}" if parts.port else ""
    return parts._replace(netloc=f"{HOST}{port}").geturl()


def find_engine(configured: str | None, base: str) -> list[str] | None:
    """Return the engine's command: the configured one, else one that runs the base image here.

    A configured engine is taken as it is, so that its errors show; "" means none.
    """
    if configured is not None:
        return shlex.split(configured) or None
    return next((list(engine) for engine in ENGINES if _runs(engine, base)), None)


def _runs(engine: tuple[str, ...], base: str) -> bool:
    """Try the engine: installed is not enough, it must start a container of the base image."""
    if shutil.which(engine[0]) is None:
        return False
    for words in (["image", "inspect", base], ["run", "--rm", *_ulimits(), base, "true"]):
        tried = subprocess.run([*engine, *words], capture_output=True, check=False)
        if tried.returncode:
            return False
    return True


def _ulimits() -> list[str]:
    return [f"--ulimit={key}={_limit(kind)}" for key, kind in LIMITS.items()]


def _add(archive: tarfile.TarFile, name: str, content: bytes | Path) -> None:
    entry = tarfile.TarInfo(name)
    if isinstance(content, Path):
        entry.size = content.stat().st_size
        with content.open("rb") as stream:
            archive.addfile(entry, stream)
    else:
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))


def _limit(kind: int) -> str:
    hard = resource.getrlimit(kind)[1]
    bound = MOST if hard == resource.RLIM_INFINITY else min(hard, MOST)
    return f"{bound}:{bound}"
