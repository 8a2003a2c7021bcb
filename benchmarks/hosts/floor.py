"""The HTTP floor: the cost of one connection with two commits an instance and no orchestrator.

It reads each request with one call of the system and answers it with another, on one thread. A
start and an event are committed before their answer (WAL, synchronous=FULL). The first request for
a status commits the end of every instance that has begun, then each is answered from memory.
"""

from __future__ import annotations

import json
import socket
import sqlite3
import sys
from pathlib import Path


class FloorServer:
    """Answers one connection at a time."""

    def __init__(self, folder: Path) -> None:
        """Open the database."""
        self._db = sqlite3.connect(folder / "floor.db", isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.execute("CREATE TABLE turns(seq INTEGER PRIMARY KEY, instance TEXT, event TEXT)")
        self._begun: dict[str, int] = {}
        self._ended: dict[str, int] = {}

    def serve(self, listener: socket.socket) -> None:
        """Serve until the process is ended."""
        while True:
            connection, _ = listener.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with connection:
                while self._request(connection):
                    pass

    def _request(self, connection: socket.socket) -> bool:
        """Answer one request; False when the client has closed the connection."""
        text = b""
        while not _whole(text):
            more = connection.recv(65536)
            if not more:
                return False
            text += more
        head, _, body = text.partition(b"\r\n\r\n")
        method, path, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
        status, document = self._answer(method, path, body.decode())
        content = json.dumps(document).encode()
        connection.sendall(
            f"HTTP/1.1 {status} OK\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(content)}\r\n\r\n".encode()
            + content
        )
        return True

    def _answer(self, method: str, path: str, body: str) -> tuple[int, dict[str, object]]:
        words = path.split("/")
        if method == "POST":
            raised = "raiseEvent" in words
            instance = words[-3] if raised else words[-1]
            self._db.execute("INSERT INTO turns(instance, event) VALUES(?,?)", (instance, body))
            if not raised:
                self._begun[instance] = json.loads(body)["n"] if body != "null" else 0
            return 202, {"id": instance}
        instance = words[-1]
        if instance in self._begun:
            self._db.execute("BEGIN IMMEDIATE")
            rows = [(instance, str(n)) for instance, n in self._begun.items()]
            self._db.executemany("INSERT INTO turns(instance, event) VALUES(?,?)", rows)
            self._db.execute("COMMIT")
            self._ended |= self._begun
            self._begun = {}
        return 200, {"runtimeStatus": "Completed", "output": self._ended[instance]}


def _whole(text: bytes) -> bool:
    """Return whether a request has come with its whole body."""
    head, end, body = text.partition(b"\r\n\r\n")
    if not end:
        return False
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return len(body) >= int(value)
    return True


def main() -> None:
    """Serve on a free port and print it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(listener.getsockname()[1], flush=True)
        FloorServer(Path(sys.argv[1])).serve(listener)


if __name__ == "__main__":
    main()
