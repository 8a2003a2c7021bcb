"""git's protocol over HTTP: a token is sent to its own site only, never to a redirect's target."""

import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

import urllib3
from dulwich.client import AbstractHttpGitClient, default_user_agent_string

from function_app.adapters.git.address import Address, read_address
from function_app.adapters.git.remote import ErrorLineReader, ServerError
from function_app.errors import ContractError

if TYPE_CHECKING:
    from urllib3.response import BaseHTTPResponse

_ASKED_FIRST = "/info/refs?service=git-upload-pack"
_MOVED = (301, 302, 303, 307, 308)
_REDIRECTIONS = 5
_TOKEN = "MLOPS_GIT_TOKEN_<HOST>"
# Connecting, and the longest silence of a server that is packing.
_TIMEOUT = urllib3.Timeout(connect=15, read=30)


@dataclass(slots=True, kw_only=True)
class _Answer:
    """An answer as dulwich takes one."""

    body: "BaseHTTPResponse"
    redirect_location: str
    content_type: str | None
    status: int
    headers: Mapping[str, str]

    def close(self) -> None:
        self.body.close()

    def read(self, amt: int | None = None) -> bytes:
        try:
            return self.body.read(amt)
        except urllib3.exceptions.HTTPError as error:
            raise ServerError(f"The answer broke off ({type(error).__name__}).") from error

    def geturl(self) -> str | None:
        return self.redirect_location or self.body.geturl()


class HttpClient(AbstractHttpGitClient):
    """A client of one repository at one address."""

    def __init__(self, address: Address, token: str, ca_file: str) -> None:
        super().__init__(f"{address.site}{address.path}", thin_packs=False, quiet=True)
        self._address, self._token = address, token
        self._sites = {address.site}
        self._pool = _pool(address, ca_file)

    def _http_request(
        self,
        url: str,
        headers: dict[str, str] | None = None,
        data: bytes | Iterator[bytes] | None = None,
        raise_for_status: bool = True,
    ) -> Any:
        asked = url
        for _ in range(_REDIRECTIONS):
            answer = self._send(asked, headers or {}, data)
            if answer.status not in _MOVED:
                break
            answer.close()
            asked = self._followed(asked, answer.headers.get("Location", ""))
        _check(answer, asked, self._address.host)
        made = _Answer(
            body=answer,
            redirect_location=asked if asked != url else "",
            content_type=answer.headers.get("Content-Type"),
            status=answer.status,
            headers=answer.headers,
        )
        return made, ErrorLineReader(made.read)

    def _send(
        self, url: str, headers: dict[str, str], data: bytes | Iterator[bytes] | None
    ) -> "BaseHTTPResponse":
        # A server may name other addresses in its answers, from which packs are to be had.
        if not any(url.startswith(site) for site in self._sites):
            raise ServerError(f"The server sends us to {urlsplit(url).hostname} for its files.")
        headers = {**headers, "User-Agent": default_user_agent_string(), "Pragma": "no-cache"}
        if self._token and url.startswith(self._address.site):
            # Any user name does: GitHub, GitLab, Gitea and Azure DevOps read the password.
            basic = f"x-access-token:{self._token}"
            headers |= urllib3.make_headers(basic_auth=basic)
        try:
            return self._pool.request(
                "GET" if data is None else "POST",
                url,
                headers=headers,
                body=data,
                preload_content=False,
                redirect=False,
                # urllib3 would repeat the connection only; the activity is repeated as a whole.
                retries=False,
                timeout=_TIMEOUT,
            )
        except urllib3.exceptions.HTTPError as error:
            raise ServerError(f"{type(error).__name__}: {error}"[:200]) from error

    def _followed(self, asked: str, location: str) -> str:
        """Return the target of a redirect; ServerError unless it is allowed.

        Only the first request of a read without a token may be redirected.
        """
        target = urljoin(asked, location)
        moved = target.removesuffix(_ASKED_FIRST)
        to = f"It redirects to {urlsplit(target).hostname}."
        advice = "If it has moved, give its new address, with .git at the end where the host wants "
        advice += f"it. If it is private, set {_TOKEN}."
        if self._token or not asked.endswith(_ASKED_FIRST) or moved == target:
            raise ServerError(to, advice)
        try:
            address = read_address(moved)
        except ContractError as error:
            raise ServerError(to, advice) from error
        if address.protocol != self._address.protocol:
            raise ServerError(to, advice)
        self._sites.add(address.site)
        return target


def _check(answer: "BaseHTTPResponse", asked: str, host: str) -> None:
    """Raise when this is no answer of a git server."""
    kind = answer.headers.get("Content-Type") or "nothing"
    if answer.status == 200 and kind.startswith("application/x-git-"):
        return
    if answer.status in (401, 403):
        advice = f"{host} wants a valid token: set {_TOKEN}."
    else:
        advice = f"Check the address in mlops.toml. If it is private, set {_TOKEN}."
    message = ""
    if kind.startswith("text/plain"):
        with suppress(urllib3.exceptions.HTTPError):
            text = answer.read(200).decode(errors="replace")
            message = ": " + "".join(sign for sign in text if sign.isprintable())
    answer.close()
    where = urlsplit(asked).hostname
    raise ServerError(f"{where} answered HTTP {answer.status} with {kind[:60]}{message}.", advice)


def _pool(address: Address, ca_file: str) -> urllib3.PoolManager:
    proxy = urllib.request.getproxies().get(address.protocol, "")
    kinds: dict[str, Any] = {"cert_reqs": "CERT_REQUIRED", "ca_certs": ca_file or None}
    if not proxy or urllib.request.proxy_bypass(address.host):
        return urllib3.PoolManager(**kinds)
    parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    headers = None
    if parts.username:
        headers = urllib3.make_headers(proxy_basic_auth=f"{parts.username}:{parts.password or ''}")
    return urllib3.ProxyManager(parts.geturl(), proxy_headers=headers, **kinds)
