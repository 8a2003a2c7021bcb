"""The local server of production passes a request and its answer on whole."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import aiohttp
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

from function_app.adapters.local.production.production_server import Server
from function_app.adapters.local.production.replicas import Launch, Launcher, Replica
from function_app.adapters.local.reach.files import write_json

PATH = "/score?explain=yes&row=1&row=2&empty=&sign=%2B%20%25"
IMAGE = {"model": "m", "version": "1", "digest": "sha256:aa", "uri": "file:///i"}


@dataclass
class Lives:
    """A process that runs."""

    returncode: None = None


@dataclass
class OneReplica:
    """Starts no process: the replica is a server of this test."""

    url: str
    ended: list[Replica] = field(default_factory=list)

    async def launch(self, wanted: dict[str, Any], number: int, failures: int) -> Launch:
        replica = Replica(process=cast(Any, Lives()), url=self.url, log=Path("log"))
        return Launch(ready=[replica] * number, failure="")

    def end(self, replicas: list[Replica], seconds: float = 0.0) -> None:
        self.ended += replicas


async def _serve(answer: Any) -> tuple[web.AppRunner, str]:
    app = web.Application()
    app.add_routes([web.route("*", "/{path:.*}", answer)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    return runner, f"http://{host}:{port}"


async def _send_through(folder: Path) -> tuple[list[web.Request], aiohttp.ClientResponse, bytes]:
    seen: list[web.Request] = []

    async def score(request: web.Request) -> web.Response:
        seen.append(request)
        headers = CIMultiDict([("X-Model", "m"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")])
        return web.Response(status=418, body=b"an answer", headers=headers)

    replica, url = await _serve(score)
    launcher = OneReplica(url)
    server = Server(folder / "desired.json", cast(Launcher, launcher))
    desired = {"image": IMAGE, "folder": "", "replicas": 1, "wish": 1, "port": 1, "environ": {}}
    write_json(folder / "desired.json", desired)
    async with aiohttp.ClientSession(auto_decompress=False) as client:
        following = asyncio.create_task(server.follow())
        while server.ready == 0:
            assert not following.done()
            await asyncio.sleep(0)

        async def forward(request: web.Request) -> web.StreamResponse:
            return await server.pass_on(client, request)

        proxy, address = await _serve(forward)
        headers = CIMultiDict([("X-One", "1"), ("X-Two", "a"), ("X-Two", "b"), ("Accept", "x/y")])
        whole = URL(address + PATH, encoded=True)
        async with client.put(
            whole, data=b"body", headers=headers, skip_auto_headers=["User-Agent"]
        ) as answer:
            body = await answer.read()
        following.cancel()
        await proxy.cleanup()
        await replica.cleanup()
    return seen, answer, body


def test_method_query_headers_body_status_and_answer_pass_unchanged(tmp_path: Path) -> None:
    seen, answer, body = asyncio.run(_send_through(tmp_path))

    [request] = seen
    assert request.method == "PUT"
    assert request.raw_path == PATH, "signs that were escaped stay so"
    assert request.rel_url.query.getall("row") == ["1", "2"]
    assert request.headers["X-One"] == "1"
    assert request.headers.getall("X-Two") == ["a", "b"]
    assert request.headers["Accept"] == "x/y"
    assert (answer.status, body) == (418, b"an answer")
    assert answer.headers["X-Model"] == "m"
    assert answer.headers.getall("Set-Cookie") == ["a=1", "b=2"]
