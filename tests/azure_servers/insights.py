"""Application Insights' ingestion: keeps the telemetry that it gets, as envelopes."""

import gzip
import json
from typing import Any

import jwt

from tests.azure_servers.base import Answer, Request, Server
from tests.azure_servers.tls import Tls

_KEY = "00000000-0000-0000-0000-000000000000"


class Ingestion(Server):
    """Takes telemetry over https, and notes whose tokens it came with."""

    def __init__(self, tls: Tls) -> None:
        self.envelopes: list[dict[str, Any]] = []
        self.senders: set[tuple[str, str]] = set()
        super().__init__(self._take, tls)

    @property
    def connection_string(self) -> str:
        """Return the connection string of this server."""
        return f"InstrumentationKey={_KEY};IngestionEndpoint={self.url}/;LiveEndpoint={self.url}/"

    def of(self, kind: str) -> list[dict[str, Any]]:
        """Return the envelopes of a kind, such as RequestData."""
        return [e for e in self.envelopes if e["data"]["baseType"] == kind]

    def named(self, kind: str, name: str) -> dict[str, Any]:
        """Return the only envelope of this kind and name."""
        [found] = [e for e in self.of(kind) if e["data"]["baseData"]["name"] == name]
        return found

    def _take(self, request: Request) -> Answer:
        if not request.path.endswith("/track"):
            return Answer(status=404)
        token = request.headers["authorization"].removeprefix("Bearer ")
        claims = jwt.decode(token, options={"verify_signature": False})
        self.senders.add((claims["aud"], claims["appid"]))
        body = request.body
        if request.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        found = json.loads(body)
        self.envelopes += found
        count = len(found)
        content = {"itemsReceived": count, "itemsAccepted": count, "errors": []}
        return Answer(content=content)
