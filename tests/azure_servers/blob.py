"""Blob storage as its SDK sees it: whole blobs with etags and conditions, lists, appending."""

import re
import threading
from typing import Any
from urllib.parse import quote, unquote
from xml.sax.saxutils import escape

from tests.azure_servers.access import Access
from tests.azure_servers.arm import audience, claim
from tests.azure_servers.base import Answer, Request, Server
from tests.azure_servers.tls import Tls

_TIME = "Thu, 01 Jan 2026 00:00:00 GMT"


class BlobServer(Server):
    """Keeps blobs in memory; asks for a token of storage."""

    def __init__(self, tls: Tls) -> None:
        self.containers: dict[str, dict[str, bytes]] = {}
        self.etags: dict[tuple[str, str], int] = {}
        self.refused: set[str] = set()
        # The identities whose roles count, by the app id of their tokens; others may do anything.
        self.identities: dict[str, Access] = {}
        self._lock = threading.RLock()
        super().__init__(self._respond, tls)

    def put(self, container: str, name: str, content: bytes) -> None:
        """Keep a blob, as somebody else does."""
        with self._lock:
            self.containers.setdefault(container, {})[name] = content
            self.etags[container, name] = self.etags.get((container, name), 0) + 1

    def etag(self, container: str, name: str) -> str:
        """Return a blob's etag as events bring it, without quotes."""
        return str(_headers(self.etags[container, name])["ETag"]).strip('"')

    def delete(self, container: str, prefix: str) -> None:
        """Delete the blobs whose names begin so, as somebody else does."""
        with self._lock:
            for name in [n for n in self.containers[container] if n.startswith(prefix)]:
                del self.containers[container][name]

    def _respond(self, request: Request) -> Answer:
        signed = "sig" in request.query
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if not signed and audience(token) != "https://storage.azure.com":
            return _error(401, "NoAuthenticationInformation")
        container, _, name = unquote(request.path).lstrip("/").partition("/")
        with self._lock:
            if any(text in request.path for text in self.refused):
                return _error(403, "AuthorizationPermissionMismatch")
            if request.query.get("restype") == "container":
                return self._container(request, container)
            if container not in self.containers:
                return _error(404, "ContainerNotFound")
            access = self.identities.get(claim(token, "appid"))
            if access is not None and not _may(access, request.method, container, name):
                return _error(403, "AuthorizationPermissionMismatch")
            return self._blob(request, container, name)

    def _container(self, request: Request, container: str) -> Answer:
        if request.method == "PUT":
            if container in self.containers:
                return _error(409, "ContainerAlreadyExists")
            self.containers[container] = {}
            return Answer(status=201, headers=_headers(1))
        if container not in self.containers:
            return _error(404, "ContainerNotFound")
        if request.query.get("comp") == "list":
            return self._list(container, request.query.get("prefix", ""))
        return Answer(headers=_headers(1))

    def _list(self, container: str, prefix: str) -> Answer:
        entries = "".join(
            f"<Blob>{_name(name)}<Properties>"
            f"<Last-Modified>{_TIME}</Last-Modified><Content-Length>{len(content)}</Content-Length>"
            f"<Etag>{_headers(self.etags[container, name])['ETag'].strip(chr(34))}</Etag>"
            "<BlobType>BlockBlob</BlobType></Properties></Blob>"
            for name, content in sorted(self.containers[container].items())
            if name.startswith(prefix)
        )
        head = f'<EnumerationResults ContainerName="{container}"><Prefix>{escape(prefix)}</Prefix>'
        body = f"{head}<Blobs>{entries}</Blobs><NextMarker /></EnumerationResults>"
        return Answer(body=body.encode(), headers={"Content-Type": "application/xml"})

    def _blob(self, request: Request, container: str, name: str) -> Answer:
        blobs = self.containers[container]
        if request.method == "PUT" and request.query.get("comp") == "appendblock":
            place = request.headers.get("x-ms-blob-condition-appendpos")
            if name not in blobs:
                return _error(404, "BlobNotFound")
            if not request.body:
                return _error(400, "InvalidHeaderValue")
            if place is not None and int(place) != len(blobs[name]):
                return _error(412, "AppendPositionConditionNotMet")
            self.put(container, name, blobs[name] + request.body)
            return Answer(status=201, headers=_headers(self.etags[container, name]))
        if request.method == "PUT":
            if request.headers.get("if-none-match") == "*" and name in blobs:
                return _error(409, "BlobAlreadyExists")
            self.put(container, name, request.body)
            return Answer(status=201, headers=_headers(self.etags[container, name]))
        if name not in blobs:
            return _error(404, "BlobNotFound")
        if request.method == "DELETE":
            del blobs[name]
            return Answer(status=202)
        etag, wanted = self.etags[container, name], request.headers.get("if-match")
        if wanted and wanted not in ("*", _headers(etag)["ETag"]):
            return _error(412, "ConditionNotMet")
        return _read(request, blobs[name], etag)


def _may(access: Access, method: str, container: str, name: str) -> bool:
    if method in ("GET", "HEAD"):
        return access.may_read(container, name)
    return access.may_write(container)


def _name(name: str) -> str:
    """Return a blob's name as lists have it: encoded when XML could not hold it."""
    if name.isprintable():
        return f"<Name>{escape(name)}</Name>"
    return f'<Name Encoded="true">{quote(name)}</Name>'


def _read(request: Request, content: bytes, etag: int) -> Answer:
    headers = {**_headers(etag), "x-ms-blob-type": "BlockBlob", "Content-Type": "text/plain"}
    asked = request.headers.get("x-ms-range") or request.headers.get("range")
    if request.method == "HEAD" or not asked:
        return Answer(body=content, headers={**headers, "Content-Length": str(len(content))})
    first, last = (int(n) for n in re.findall(r"\d+", asked))
    if first >= len(content):
        return _error(416, "InvalidRange")
    piece = content[first : last + 1]
    headers["Content-Range"] = f"bytes {first}-{first + len(piece) - 1}/{len(content)}"
    return Answer(status=206, body=piece, headers=headers)


def _headers(etag: int) -> dict[str, Any]:
    return {"ETag": f'"0x{etag:016X}"', "Last-Modified": _TIME, "x-ms-version": "2025-01-05"}


def _error(status: int, code: str) -> Answer:
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{code}</Message></Error>"
    headers = {"x-ms-error-code": code, "Content-Type": "application/xml"}
    return Answer(status=status, body=body.encode(), headers=headers)
