"""The server of one model in production: replicas, a readiness gate, and a proxy before them.

python -m function_app.adapters.local.production.production_server DESIRED PORT READY_SECONDS LEVEL

DESIRED is a file with the desired image; its field `wish` numbers the attempts to serve it. An
attempt starts the image's replicas beside the serving ones, and moves the traffic when all of them
are ready. This server does not repeat a failed attempt: the caller writes the next number. An image
that once got the traffic is treated differently: its missing replicas are restarted without limit,
with backoff, because no caller requests that. `state.json` keeps both over a restart.
"""

import asyncio
import fcntl
import hashlib
import hmac
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

from function_app.adapters.local.keys import keys_file
from function_app.adapters.local.production.desired import SERVER_LOCK, STATE, read_desired
from function_app.adapters.local.production.replicas import Launcher, Replica
from function_app.adapters.local.reach.files import read_object, write_json
from function_app.adapters.scoring_service.scoring_keys import PROBE_KEY
from function_app.errors import PlatformError
from sandbox.levels import BY_NAME, Level

DRAIN_SECONDS = 1.0
FIRST_BACKOFF, LONGEST_BACKOFF = 1.0, 60.0  # seconds
PROBE_SECONDS, MISSES = 10.0, 6  # a replica that misses so many health checks is replaced
MAX_BODY = 4 * 1024 * 1024
# Headers of one connection only (RFC 9110, section 7.6.1), beside those that `Connection` names.
_HOP_BY_HOP = frozenset(
    ("connection", "keep-alive", "proxy-connection", "proxy-authenticate", "proxy-authorization")
) | {"te", "trailer", "transfer-encoding", "upgrade"}
# The proxy writes these headers for each connection.
_OWN = frozenset(("host", "content-length", "date", "server", "expect"))
_ADDED = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
NOTHING: dict[str, Any] = {"image": None, "folder": "", "replicas": 0}


class Server:
    """Holds the replicas that get the traffic."""

    def __init__(self, desired: Path, launcher: Launcher) -> None:
        self._desired, self._launcher = desired, launcher
        self._state = desired.with_name(STATE)
        stored = read_object(self._state)
        self.serving: dict[str, Any] = stored.get("serving") or NOTHING
        self.handled: int = stored.get("handled", 0)
        self.failure: str = stored.get("failure", "")  # of the attempt that was handled last
        self.missing = ""  # why replicas of `serving` are missing
        self._replicas: list[Replica] = []
        self._turn = 0
        self._failures = 0  # attempts with the same image that failed in a row
        self._failed_image: dict[str, Any] | None = None
        self.hurry = asyncio.Event()

    @property
    def ready(self) -> int:
        """Return the number of replicas that answer their health checks."""
        return sum(replica.runs and not replica.misses for replica in self._replicas)

    async def follow(self) -> None:
        """Make one attempt for each number in the file, for ever.

        An unreadable file or a full disk must not end the serving replicas.
        """
        said = ""
        while True:
            try:
                desired = read_desired(self._desired)
                if desired is not None and desired["wish"] != self.handled:
                    await self._change(desired)
            except (PlatformError, OSError) as error:
                if str(error) != said:
                    said = str(error)
                    print(said, flush=True)
                await asyncio.sleep(FIRST_BACKOFF)
            await asyncio.sleep(0.1)

    async def _change(self, desired: dict[str, Any]) -> None:
        keys = ("image", "folder", "replicas", "environ")
        same = all(desired.get(key) == self.serving.get(key) for key in keys)
        failure = ""
        if not (same and self.ready == desired["replicas"]):
            if desired["image"] != self._failed_image:
                self._failures, self._failed_image = 0, desired["image"]
            launch = await self._launcher.launch(desired, desired["replicas"], self._failures)
            failure = launch.failure
            if failure:
                self._failures += 1
                self._launcher.end(launch.ready)
            else:
                self._failures = 0
                old, self._replicas, self.missing = self._replicas, launch.ready, ""
                self._launcher.end(old, DRAIN_SECONDS)
        if not failure:
            self.serving = desired
        state = {"serving": self.serving, "handled": desired["wish"], "failure": failure}
        write_json(self._state, state)
        self.failure, self.handled = failure, desired["wish"]

    async def supervise(self) -> None:
        """Restart missing replicas for ever, with backoff after each failure."""
        # A retry library repeats one call until it succeeds; this loop keeps a state for ever, and
        # starts again whenever the desired state changes.
        backoff, failures = FIRST_BACKOFF, 0
        while True:
            self._replicas = [replica for replica in self._replicas if replica.runs]
            serving = self.serving
            number = serving["replicas"] - len(self._replicas)
            if number > 0:
                launch = await self._launcher.launch(serving, number, failures)
                if self.serving is serving:
                    self._replicas += launch.ready
                    self.missing = launch.failure
                else:  # an attempt succeeded meanwhile
                    self._launcher.end(launch.ready)
                if launch.failure:
                    await self._pause(backoff)
                    backoff, failures = min(2 * backoff, LONGEST_BACKOFF), failures + 1
                else:
                    backoff, failures = FIRST_BACKOFF, 0
            await asyncio.sleep(0.1)

    async def _pause(self, seconds: float) -> None:
        self.hurry.clear()
        try:
            await asyncio.wait_for(self.hurry.wait(), seconds)
        except TimeoutError:
            return

    async def probe(self) -> None:
        """Check the replicas' health for ever; end replicas that no longer answer."""
        while True:
            await asyncio.sleep(PROBE_SECONDS)
            replicas = list(self._replicas)
            answers = await asyncio.gather(*map(self._launcher.is_healthy, replicas))
            for replica, healthy in zip(replicas, answers, strict=True):
                replica.misses = 0 if healthy else replica.misses + 1
            hung = [replica for replica in replicas if replica.misses >= MISSES]
            self._replicas = [replica for replica in self._replicas if replica not in hung]
            self._launcher.end(hung)

    async def pass_on(
        self, client: aiohttp.ClientSession, request: web.Request
    ) -> web.StreamResponse:
        """Send a request to the replicas in turn; skip a replica that is gone."""
        body, headers = await request.read(), end_to_end(request.headers, _OWN)
        address = request.rel_url.raw_path_qs
        for _ in range(len(self._replicas)):
            self._turn += 1
            replica = self._replicas[self._turn % len(self._replicas)]
            try:
                async with client.request(
                    request.method,
                    URL(replica.url + address, encoded=True),
                    data=body,
                    headers=headers,
                    skip_auto_headers=_ADDED,
                    allow_redirects=False,
                ) as answer:
                    return web.Response(
                        status=answer.status,
                        body=await answer.read(),
                        headers=end_to_end(answer.headers, _OWN),
                    )
            except (aiohttp.ClientError, TimeoutError):
                continue
        error = {"code": "NOT_SERVING", "message": self._refusal()}
        return web.json_response({"error": error}, status=503)

    def _refusal(self) -> str:
        if self.serving["image"] is None:
            return "No replica answers. Promote a release."
        number = self.serving["replicas"]
        text = f"{self.ready} of {number} replicas are ready; they are being started again."
        return f"{text} {self.missing}".strip()


def end_to_end(headers: Mapping[str, str], own: frozenset[str]) -> CIMultiDict[str]:
    """Return the headers that are for the other end, in their order, repeated ones too."""
    given = CIMultiDict(headers)
    named = {
        word.strip().lower() for line in given.getall("Connection", []) for word in line.split(",")
    }
    dropped = _HOP_BY_HOP | own | named
    return CIMultiDict((name, text) for name, text in given.items() if name.lower() not in dropped)


async def serve(desired: Path, port: int, ready_seconds: float, level: Level) -> None:
    """Run until the process is ended; `level` is the isolation of the replicas."""
    lock = desired.with_name(SERVER_LOCK).open("a+")
    fcntl.flock(lock, fcntl.LOCK_EX)
    lock.truncate(0)
    lock.write(str(os.getpgrp()))
    lock.flush()
    timeout = aiohttp.ClientTimeout(total=30)
    # Bodies pass as they are, compressed ones too.
    async with aiohttp.ClientSession(timeout=timeout, auto_decompress=False) as client:
        logs, state = desired.with_name("replicas"), desired.parents[2]
        server = Server(desired, Launcher(client, logs, ready_seconds, level, state))

        async def champion(request: web.Request) -> web.Response:
            _check_platform(desired, request)
            content = {
                "image": server.serving["image"],
                "wish": server.handled,
                "failure": server.failure,
                "release_id": server.serving.get("release_id"),
                "replicas": server.serving["replicas"],
                "ready": server.ready,
                "missing": server.missing,
            }
            return web.json_response(content)

        async def retry(request: web.Request) -> web.Response:
            _check_platform(desired, request)
            server.hurry.set()
            return web.json_response({}, status=202)

        async def proxy(request: web.Request) -> web.StreamResponse:
            return await server.pass_on(client, request)

        app = web.Application(client_max_size=MAX_BODY)
        app.add_routes([web.get("/-/champion", champion), web.post("/-/retry", retry)])
        app.add_routes([web.route("*", "/{path:.*}", proxy)])
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        async with asyncio.TaskGroup() as loops:
            for loop in (server.follow, server.supervise, server.probe):
                loops.create_task(loop())


def _check_platform(desired: Path, request: web.Request) -> None:
    """Raise 401 unless the request has the platform's own secret: the door is the callers'."""
    known = read_object(keys_file(desired.parent)).get("probe")
    given = request.headers.get(PROBE_KEY, "").encode("utf-8", "surrogateescape")
    if not isinstance(known, str) or not hmac.compare_digest(
        hashlib.sha256(given).digest(), bytes.fromhex(known)
    ):
        raise web.HTTPUnauthorized(headers={"WWW-Authenticate": 'Bearer realm="production"'})


if __name__ == "__main__":
    asyncio.run(
        serve(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), BY_NAME[sys.argv[4]])
    )
