"""Real repositories on this machine, and a real server of them that also takes commit statuses."""

import base64
import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from function_app.adapters.git.sources import GitSources
from function_app.addresses import file_address
from function_app.domain.change.change import Bundle, Change
from function_app.settings.git import GitSettings
from tests.azure_servers.tls import Tls
from tests.listening import Listening

# Of the machine, not of the moment: there are tests without any program.
PATH = os.environ["PATH"]
GIT = shutil.which("git") or "git"


@dataclass
class Repository:
    """A bare repository and a working folder from which commits are pushed to it."""

    bare: Path
    work: Path

    @property
    def url(self) -> str:
        return file_address(self.bare)

    def git(self, *words: str, at: Path | None = None, feed: str = "") -> str:
        environ = {
            "PATH": PATH,
            "HOME": str(self.work),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_NAME": "a",
            "GIT_AUTHOR_EMAIL": "a@example.org",
            "GIT_COMMITTER_NAME": "a",
            "GIT_COMMITTER_EMAIL": "a@example.org",
        }
        ended = subprocess.run(
            [GIT, *words],
            cwd=at or self.work,
            env=environ,
            input=feed,
            capture_output=True,
            text=True,
            timeout=600,
            check=True,
        )
        return ended.stdout.strip()

    def write(self, name: str, content: str | bytes) -> None:
        path = self.work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)

    def commit(self, message: str = "more", branch: str = "main") -> str:
        """Commit everything, push it, and return the commit."""
        self.git("add", "--all", "--force")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        self.git("push", "--quiet", "--force", "origin", f"HEAD:refs/heads/{branch}")
        return self.git("rev-parse", "HEAD")

    def commit_tree(self, listing: str) -> str:
        """Push a commit of a tree that `git add` would refuse, given as ls-tree prints it."""
        tree = self.git("mktree", "--missing", feed=listing)
        commit = self.git("commit-tree", tree, "-m", "hostile")
        self.git("push", "--quiet", "--force", "origin", f"{commit}:refs/heads/main")
        return commit

    def blob(self, content: str) -> str:
        return self.git("hash-object", "-w", "--stdin", feed=content)


def make_repository(folder: Path, name: str = "code") -> Repository:
    bare, work = folder / f"{name}.git", folder / name
    made = Repository(bare=bare, work=work)
    work.mkdir(parents=True)
    made.git("init", "--quiet", "--bare", "--initial-branch=main", str(bare))
    made.git("init", "--quiet", "--initial-branch=main")
    made.git("remote", "add", "origin", str(bare))
    return made


@dataclass
class GitServer:
    """Serves the repositories of a folder; `seen` are the requests, `posted` the statuses.

    `instead` is its answer to a request for commits, and `asked` are these requests. `ways` are
    the targets of the requests that it got as a proxy.
    """

    url: str
    host: str
    seen: list[tuple[str, str]] = field(default_factory=list)
    posted: list[tuple[str, dict[str, Any], str]] = field(default_factory=list)
    token: str = ""
    old: bool = False
    answers: list[int] = field(default_factory=list)
    redirect_to: str = ""
    instead: bytes | None = None
    asked: list[bytes] = field(default_factory=list)
    ways: list[tuple[str, str]] = field(default_factory=list)


@contextmanager
def serve(folder: Path, tls: Tls | None = None) -> Iterator[GitServer]:
    class Asked(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None: ...

        def do_GET(self) -> None:
            self.answer()

        def do_POST(self) -> None:
            self.answer()

        def do_CONNECT(self) -> None:
            told.ways.append((self.path, self.headers.get("Proxy-Authorization", "")))
            self._send(502, b"")

        def answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length) if length else self._chunks()
            authorization = self.headers.get("Authorization", "")
            told.seen.append((self.path, authorization))
            if "/statuses" in self.path:
                told.posted.append((self.path, json.loads(body), authorization))
                return self._send(told.answers.pop(0) if told.answers else 201, b"{}")
            if told.redirect_to:
                self.send_response(302)
                self.send_header("Location", told.redirect_to + self.path)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return None
            basic = base64.b64encode(f"x-access-token:{told.token}".encode()).decode()
            if told.token and authorization != f"Basic {basic}":
                return self._send(401, b"", {"WWW-Authenticate": "Basic realm=git"})
            if b"want " in body:
                told.asked.append(body)
                if told.instead is not None:
                    kind = {"Content-Type": "application/x-git-upload-pack-result"}
                    return self._send(200, told.instead, kind)
            return self._backend(body)

        def _chunks(self) -> bytes:
            body = b""
            if self.headers.get("Transfer-Encoding") == "chunked":
                while size := int(self.rfile.readline(), 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
            return body

        def _backend(self, body: bytes) -> None:
            path, _, query = self.path.partition("?")
            environ = {
                "PATH": PATH,
                "GIT_PROJECT_ROOT": str(folder),
                "GIT_HTTP_EXPORT_ALL": "1",
                "GIT_CONFIG_NOSYSTEM": "1",
                "REQUEST_METHOD": self.command,
                "PATH_INFO": path,
                "QUERY_STRING": query,
                "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                "CONTENT_LENGTH": str(len(body)),
                "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                # Without it the server speaks version 0, which hands out tips only.
                "GIT_PROTOCOL": "" if told.old else self.headers.get("Git-Protocol", ""),
            }
            ended = subprocess.run(
                [GIT, "http-backend"], input=body, env=environ, capture_output=True, check=False
            )
            head, _, content = ended.stdout.partition(b"\r\n\r\n")
            headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
            self._send(int(headers.pop("Status", "200").split()[0]), content, headers)

        def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with Listening(("127.0.0.1", 0), Asked) as server:
        host = f"127.0.0.1:{server.server_port}"
        told = GitServer(url=f"http{'s' if tls else ''}://{host}", host=host)
        if tls:
            server.socket = tls.server_context().wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield told
        server.shutdown()


def make_ssh(folder: Path) -> Path:
    """Write a program ssh that runs the command on this machine and records its call."""
    program = folder / "ssh"
    folder.mkdir()
    program.write_text(
        f"#!/bin/sh\nexport PATH='{PATH}'\nenv > '{folder}/environ'\n"
        f"printf '%s\\n' \"$@\" > '{folder}/words'\n"
        'case "$*" in *GIT_PROTOCOL=version=2*) export GIT_PROTOCOL=version=2 ;; esac\n'
        'for command; do :; done\nexec sh -c "$command"\n'
    )
    program.chmod(0o755)
    return folder


TOKEN = "ghp_a-token-nobody-may-see"


class Shelf:
    """Keeps archives in memory."""

    def __init__(self) -> None:
        self.archives: dict[str, bytes] = {}

    def store(self, archive: bytes, commit: str) -> Bundle:
        digest = hashlib.sha256(archive).hexdigest()
        self.archives[digest] = archive
        return Bundle(digest=digest, uri="", commit=commit)

    def files(self, bundle: Bundle) -> dict[str, bytes]:
        found = {}
        with tarfile.open(fileobj=io.BytesIO(self.archives[bundle.digest])) as files:
            for member in files.getmembers():
                content = files.extractfile(member) if member.isfile() else None
                found[member.name] = content.read() if content else member.linkname.encode()
        return found


def sources(tmp_path: Path, shelf: Shelf, settings: GitSettings | None = None) -> GitSources:
    return GitSources(tmp_path / "fetched", shelf.store, settings or GitSettings())


def push(repository: str, commit: str, branch: str = "main", proposal: str = "") -> Change:
    return Change(repository=repository, branch=branch, commit=commit, proposal=proposal)
