"""Replicas of one model on this machine: processes that serve an image, each with its own log."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from function_app.adapters.local.reach.containment import Access, contained
from function_app.adapters.local.reach.files import read_tail
from function_app.adapters.local.reach.processes import free_port, start_limit
from function_app.adapters.scoring_service.log_rules import LOG_FOLDER
from function_app.adapters.scoring_service.scoring_keys import KEYS_FILE
from sandbox.levels import Level

GRACE_SECONDS = 5.0  # between the polite end of a replica and its end by force
_PROBE = aiohttp.ClientTimeout(total=10)
_TAIL_LINES, _TAIL_BYTES = 15, 8192


@dataclass(slots=True)
class Replica:
    """A process that serves the image; `misses` counts the health checks without an answer."""

    process: Process
    url: str
    log: Path
    misses: int = 0

    @property
    def runs(self) -> bool:
        return self.process.returncode is None


@dataclass(frozen=True, slots=True)
class Launch:
    """The replicas that became ready, and why the others did not ("" when all did)."""

    ready: list[Replica]
    failure: str


class Launcher:
    """Starts and ends replicas.

    `ready_seconds` is the limit of a first start. Replicas run at the isolation `level`
    and see nothing of `state`, the folder of the app's state, but their image and their log.
    """

    def __init__(
        self,
        client: aiohttp.ClientSession,
        logs: Path,
        ready_seconds: float,
        level: Level,
        state: Path,
    ) -> None:
        self._level, self._state = level, state
        self._client, self._logs, self._ready_seconds = client, logs, ready_seconds
        self._ends: set[asyncio.Task[None]] = set()
        logs.mkdir(parents=True, exist_ok=True)
        for log in logs.glob("*.log"):
            log.unlink()

    async def launch(self, desired: dict[str, Any], number: int, failures: int) -> Launch:
        """Start so many replicas and wait until each is ready or has failed.

        After `failures` failed starts they may take longer.
        """
        limit = start_limit(self._ready_seconds, failures)
        replicas: list[Replica] = []
        try:
            for _ in range(number):
                replicas.append(await self._spawn(desired))
        except OSError as error:  # the image's folder is gone, or the disk is full
            self.end(replicas)
            failure = f"Replicas could not be started: {error}."
            print(failure, flush=True)
            return Launch([], failure)
        states = await asyncio.gather(*(self._is_ready(replica, limit) for replica in replicas))
        ready = [r for r, good in zip(replicas, states, strict=True) if good]
        failed = [r for r, good in zip(replicas, states, strict=True) if not good]
        failure = ""
        if failed:
            causes = dict.fromkeys(self._cause(replica, limit) for replica in failed)
            failure = f"{len(ready)} of {number} replicas got ready. {' '.join(causes)}"
            print(failure, flush=True)
        self.end(failed)
        return Launch(ready, failure)

    async def is_healthy(self, replica: Replica) -> bool:
        """Return whether the replica answers its health check."""
        try:
            async with self._client.get(f"{replica.url}/healthz", timeout=_PROBE) as answer:
                return answer.status == 200
        except (aiohttp.ClientError, TimeoutError):
            return False

    def end(self, replicas: list[Replica], delay: float = 0.0) -> None:
        """End the replicas after `delay` seconds, by force when they do not end themselves."""
        for replica in replicas:
            task = asyncio.create_task(self._end(replica, delay))
            self._ends.add(task)
            task.add_done_callback(self._ends.discard)

    async def _spawn(self, desired: dict[str, Any]) -> Replica:
        port, image = free_port(), desired["image"]
        # The lock lives as long as any replica. A process that finds it held may end the whole
        # group.
        lock = int(os.environ.get("LOCK_FD", "-1"))
        known = {"IMAGE_DIGEST": image["digest"], "MODEL_VERSION": image["version"]}
        self._logs.mkdir(parents=True, exist_ok=True)
        log = self._logs / f"{port}.log"
        environ = {**os.environ, **known, **desired.get("environ", {})}
        environ.pop("LOCK_FD", None)
        words = [sys.executable, "-m", "scoring", "--model", "model", "--port", str(port)]
        with log.open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                *self._contained(words, Path(desired["folder"]), environ),
                cwd=desired["folder"],
                env=environ,
                stdout=output,
                stderr=output,
                pass_fds=(lock,) if lock >= 0 else (),
            )
        return Replica(process, f"http://127.0.0.1:{port}", log)

    def _contained(self, words: list[str], folder: Path, environ: Mapping[str, str]) -> list[str]:
        """Return the command that starts a replica in a sandbox with its image, keys and log."""
        log, keys = environ.get(LOG_FOLDER, ""), environ.get(KEYS_FILE, "")
        if log:
            Path(log).mkdir(parents=True, exist_ok=True)
        access = Access(
            # The folder is mounted, because a rotation replaces the file of the keys.
            readable=(str(Path(keys).parent),) if keys else (),
            writable=(log,) if log else (),
            network=True,
        )
        level, state = self._level, self._state
        return contained(words, folder, access, level=level, state=state, root=state)

    async def _is_ready(self, replica: Replica, limit: float) -> bool:
        try:
            async with asyncio.timeout(limit):
                while replica.runs and not await self.is_healthy(replica):
                    await asyncio.sleep(0.05)
        except TimeoutError:
            return False
        return replica.runs

    def _cause(self, replica: Replica, limit: float) -> str:
        code = replica.process.returncode
        if code is None:
            cause = f"No answer within {limit:g} s (MLOPS_READY_SECONDS)."
        else:
            cause = f"Exit code {code}."
        lines = read_tail(replica.log, _TAIL_BYTES).decode(errors="replace").split("\n")
        tail = " | ".join(line for line in lines[-_TAIL_LINES:] if line.strip())
        return f"{cause} Its log ends: {tail}" if tail else f"{cause} It logged nothing."

    async def _end(self, replica: Replica, delay: float) -> None:
        await asyncio.sleep(delay)
        for number in (signal.SIGTERM, signal.SIGKILL):
            if replica.runs:
                replica.process.send_signal(number)
                try:
                    await asyncio.wait_for(replica.process.wait(), GRACE_SECONDS)
                except TimeoutError:
                    continue
        replica.log.unlink(missing_ok=True)
