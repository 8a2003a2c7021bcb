"""The server of one model in production: replicas, a readiness gate, and a proxy in front.

python -m function_app.adapters.local.production_server DESIRED PORT

It reads what shall be served from a file, starts the replicas of a new image beside those that
serve, and moves the traffic when all of them are ready. When they do not get ready, the old ones
go on.
"""

import asyncio
import os
import sys
from asyncio.subprocess import Process
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from function_app.adapters.local.files import read_json
from function_app.adapters.local.processes import free_port

READY_SECONDS = 30.0
DRAIN_SECONDS = 1.0
MAX_BODY = 4 * 1024 * 1024
PASSED_ON, PASSED_BACK = ("Content-Type", "traceparent", "X-Prediction-Log"), ("X-Prediction-Id",)


@dataclass(slots=True)
class Replica:
    """One process that serves the image."""

    process: Process
    url: str


class Server:
    """Holds the replicas that get the traffic."""

    def __init__(self, desired: Path) -> None:
        self._desired = desired
        self._replicas: list[Replica] = []
        self._turn = 0
        self.wish: dict[str, Any] = {"image": None, "wish": 0, "folder": "", "replicas": 0}
        self.handled = 0
        self.failure = ""

    async def follow(self, client: aiohttp.ClientSession) -> None:
        """Serve what the file asks for, for ever; a replica that died is replaced."""
        while True:
            wish = read_json(self._desired)
            if wish["wish"] != self.handled:
                await self._change(client, wish)
            for replica in list(self._replicas):
                if replica.process.returncode is not None:
                    self._replicas.remove(replica)
            missing = self.wish["replicas"] - len(self._replicas)
            if missing > 0:
                self._replicas += await self._launch(client, {**self.wish, "replicas": missing})
            await asyncio.sleep(0.1)

    async def _change(self, client: aiohttp.ClientSession, wish: dict[str, Any]) -> None:
        fresh = await self._launch(client, wish)
        self.failure = ""
        if len(fresh) < wish["replicas"]:
            self.failure = f"{len(fresh)} of {wish['replicas']} replicas got ready."
            self._end(fresh)
        else:
            old, self._replicas, self.wish = self._replicas, fresh, wish
            asyncio.get_running_loop().call_later(DRAIN_SECONDS, self._end, old)
        self.handled = wish["wish"]

    async def _launch(self, client: aiohttp.ClientSession, wish: dict[str, Any]) -> list[Replica]:
        replicas = [await self._spawn(wish) for _ in range(wish["replicas"])]
        ready = await asyncio.gather(*(self._is_ready(client, r) for r in replicas))
        self._end([r for r, good in zip(replicas, ready, strict=True) if not good])
        return [r for r, good in zip(replicas, ready, strict=True) if good]

    async def _spawn(self, wish: dict[str, Any]) -> Replica:
        port = free_port()
        # The lock lives as long as any replica does: who finds it held may end the whole group.
        lock = int(os.environ.get("LOCK_FD", "-1"))
        known = {"IMAGE_DIGEST": wish["image"]["digest"], "MODEL_VERSION": wish["image"]["version"]}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "scoring", "--model", "model", "--port", str(port)),
            cwd=wish["folder"],
            env={**os.environ, **known, **wish.get("environ", {})},
            pass_fds=(lock,) if lock >= 0 else (),
        )
        return Replica(process, f"http://127.0.0.1:{port}")

    async def _is_ready(self, client: aiohttp.ClientSession, replica: Replica) -> bool:
        end = asyncio.get_running_loop().time() + READY_SECONDS
        while asyncio.get_running_loop().time() < end and replica.process.returncode is None:
            try:
                async with client.get(f"{replica.url}/healthz") as answer:
                    if answer.status == 200:
                        return True
            except (aiohttp.ClientError, TimeoutError):
                await asyncio.sleep(0.05)
        return False

    def _end(self, replicas: list[Replica]) -> None:
        for replica in replicas:
            if replica.process.returncode is None:
                replica.process.terminate()

    async def pass_on(
        self, client: aiohttp.ClientSession, request: web.Request
    ) -> web.StreamResponse:
        """Ask the replicas in turn; the next one when one is gone."""
        body = await request.read()
        for _ in range(len(self._replicas)):
            self._turn += 1
            replica = self._replicas[self._turn % len(self._replicas)]
            passed = {name: request.headers[name] for name in PASSED_ON if name in request.headers}
            headers = {"Content-Type": "application/json", **passed}
            try:
                async with client.request(
                    request.method, replica.url + request.path, data=body, headers=headers
                ) as answer:
                    return web.Response(
                        status=answer.status,
                        body=await answer.read(),
                        content_type=answer.content_type,
                        headers={n: answer.headers[n] for n in PASSED_BACK if n in answer.headers},
                    )
            except (aiohttp.ClientError, TimeoutError):
                continue
        error = {"code": "NOT_SERVING", "message": "No replica answers. Promote a release."}
        return web.json_response({"error": error}, status=503)


async def serve(desired: Path, port: int) -> None:
    """Run until the process is ended."""
    server = Server(desired)
    timeout = aiohttp.ClientTimeout(total=30)
    async with aiohttp.ClientSession(timeout=timeout) as client:

        async def champion(request: web.Request) -> web.Response:
            content = {
                "image": server.wish["image"],
                "wish": server.handled,
                "failure": server.failure,
                "release_id": server.wish.get("release_id"),
                "replicas": len(server._replicas),
            }
            return web.json_response(content)

        async def proxy(request: web.Request) -> web.StreamResponse:
            return await server.pass_on(client, request)

        app = web.Application(client_max_size=MAX_BODY)
        app.add_routes([web.get("/-/champion", champion), web.route("*", "/{path:.*}", proxy)])
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        await server.follow(client)


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), int(sys.argv[2])))
