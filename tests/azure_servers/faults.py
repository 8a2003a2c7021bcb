"""A server between the adapters and a service, which loses a request or an answer when told."""

import threading
from dataclasses import replace
from enum import StrEnum
from urllib.parse import urlencode

import urllib3

from tests.azure_servers.base import Answer, Request, Server
from tests.azure_servers.tls import Tls


class Fault(StrEnum):
    """The fault of one request."""

    LOST_REQUEST = "lost request"
    LOST_ANSWER = "lost answer"


class FaultyWay(Server):
    """Hands requests on to a service; from the faulty one on nothing gets through."""

    def __init__(self, service: str, tls: Tls) -> None:
        self._service = service
        self._pool = urllib3.PoolManager(ca_certs=str(tls.ca_file), retries=False)
        self._lock = threading.Lock()
        self.fault: tuple[int, Fault] | None = None
        self.answers: list[Answer] = []
        self.count = 0
        self.losing = False
        self.lost: int | None = None
        super().__init__(self._hand_on, tls)

    def fail_at(self, number: int, fault: Fault) -> None:
        """Let the request of this number and all after it fail."""
        self.count, self.fault = 0, (number, fault)

    def lose_at(self, number: int) -> None:
        """Let the answer to the request of this number get lost, and nothing else."""
        self.count, self.lost = 0, number

    def lose_one(self) -> None:
        """Let the answer to the next request that writes get lost, and nothing else."""
        self.losing = True

    def heal(self) -> None:
        """Let everything through."""
        self.count, self.fault = 0, None

    def close(self) -> None:
        super().close()
        self._pool.clear()

    def _hand_on(self, request: Request) -> Answer:
        with self._lock:
            number, self.count = self.count, self.count + 1
            if self.answers:
                return self.answers.pop(0)
        at, fault = self.fault or (None, None)
        if at is not None and (number > at or (number == at and fault is Fault.LOST_REQUEST)):
            return Answer(drop=True)
        answer = self._ask(request)
        if number == self.lost:
            return replace(answer, drop=True)
        if self.losing and request.method != "GET":
            self.losing = False
            return replace(answer, drop=True)
        return replace(answer, drop=True) if number == at else answer

    def _ask(self, request: Request) -> Answer:
        hop_by_hop = ("host", "content-length", "connection", "transfer-encoding")
        headers = {n: v for n, v in request.headers.items() if n not in hop_by_hop}
        url = f"{self._service}{request.path}"
        if request.query:
            url += f"?{urlencode(request.query)}"
        got = self._pool.request(
            request.method,
            url,
            body=request.body,
            headers=headers,
            preload_content=True,
            decode_content=False,
        )
        answered = {n: v for n, v in got.headers.items() if n.lower() not in hop_by_hop}
        if request.method == "HEAD" and "Content-Length" in got.headers:
            answered["Content-Length"] = got.headers["Content-Length"]
        return Answer(status=got.status, body=got.data, headers=answered)
