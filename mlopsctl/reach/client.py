"""The app's HTTP API, as the commands use it."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

import httpx

from mlopsctl.reach.client_errors import ApiError
from mlopsctl.reach.credentials import Credentials, check_secure, is_loopback
from mlopsctl.reach.seen import SeenReleases

__all__ = ["Api", "ApiError", "read_pages", "unknown"]
# The most entries that the app returns at once.
PAGE = 1000
Content = Mapping[str, Any]


def unknown(name: str) -> ApiError:
    """Return the error for an id that no part of the app knows."""
    text = "`mlopsctl status`, `releases` and `events list` show the ids."
    return ApiError("NOT_FOUND", f"The app knows no id {name!r}. {text}")


def segment(name: str) -> str:
    """Return a name that a person gave as one segment of a URL's path.

    ApiError for `.` and `..`, which would ask for another route of the API, and for no name.
    """
    if name in ("", ".", ".."):
        raise unknown(name)
    return quote(name, safe="", errors="replace")


class Api:
    """An HTTP client of one app."""

    def __init__(self, url: str, state: Path, key: str = "", *, seconds: float = 300) -> None:
        """Take the app's address, the state folder of a local one, and a function key or none.

        ApiError when the key may not be sent to this address.
        """
        self._credentials = Credentials(url, state)
        if key:
            check_secure(url)
        # A proxy, or the address in an answer that redirects, would learn the credentials.
        self._http = httpx.Client(
            base_url=url,
            headers={"x-functions-key": key} if key else {},
            timeout=httpx.Timeout(seconds, connect=20),
            follow_redirects=False,
            trust_env=not is_loopback(url),
        )
        self.url = url
        self.seen = SeenReleases(url, state)

    def close(self) -> None:
        self._http.close()

    def get(self, path: str) -> Any:
        return self._ask("GET", path)

    def post(self, path: str, content: Any = None) -> Any:
        return self._ask("POST", path, content)

    def post_signed(self, path: str, body: bytes, headers: dict[str, str]) -> Any:
        """Post bytes as they were signed; ApiError when the app refuses them."""
        try:
            answer = self._http.post(path, content=body, headers=headers)
        except httpx.TransportError as error:
            message = f"{self.url} does not answer. Start it with `make up`."
            raise ApiError("UNREACHABLE", message) from error
        if answer.status_code >= 400:
            raise _refusal(answer, path)
        return answer.json()

    def post_as(self, person: str, path: str, content: Any = None) -> Any:
        """Post in the name of a person.

        "" stands for the only person whose token this user has. Without a token, or with several,
        the request carries no person.
        """
        if person:
            return self._ask("POST", path, content, self.token(person))
        try:
            token = self.token(self._credentials.choose(""))
        except ApiError as error:
            token = ""
            if error.code == "WHOSE_TOKEN":
                print(f"The request carries no person's name. {error.message}", file=sys.stderr)
        try:
            return self._ask("POST", path, content, token)
        except ApiError as error:
            # The user named no person, so a refused token must not stop a request that needs none.
            if not token or error.code != "UNAUTHENTICATED":
                raise
        return self._ask("POST", path, content)

    def delete(self, path: str) -> Any:
        """Delete the object at the path."""
        return self._ask("DELETE", path)

    def delete_as(self, person: str, path: str) -> Any:
        """Delete the object at the path in the name of a person, "" for that of MLOPS_TOKEN."""
        return self._ask("DELETE", path, token=self.token(person))

    def find(self, path: str) -> Any:
        """Return the object at the path, None when there is none."""
        try:
            return self.get(path)
        except ApiError as error:
            if error.code == "NOT_FOUND":
                return None
            raise

    def release(self, release_id: str) -> dict[str, Any]:
        """Return a release as it is now."""
        release: dict[str, Any] = self.get(f"/api/releases/{segment(release_id)}")
        return release

    def decide(self, release: Content, verb: str, person: str, comment: str) -> Any:
        """Approve or reject exactly the image and evidence of the release that the person read."""
        path = f"/api/releases/{segment(release['release_id'])}/{verb}"
        content = {name: release[name] for name in ("image_digest", "evidence_hash")}
        return self._ask("POST", path, {**content, "comment": comment}, self.token(person))

    def withdraw(self, release_id: str, person: str, comment: str = "") -> Any:
        """Withdraw a person's approval of a release."""
        path, content = f"/api/releases/{segment(release_id)}/withdraw", {"comment": comment}
        return self._ask("POST", path, content, self.token(person))

    def roll_back(self, model: str, person: str, comment: str = "") -> Any:
        """Start a roll-back in the name of a person."""
        path, content = f"/api/models/{segment(model)}/roll-back", {"comment": comment}
        return self._ask("POST", path, content, self.token(person))

    def rotate_keys(self, model: str, person: str, comment: str = "") -> Any:
        """Replace the older of a model's keys in the name of a person."""
        path, content = f"/api/models/{segment(model)}/keys", {"comment": comment}
        return self._ask("POST", path, content, self.token(person))

    def shutdown(self, model: str, person: str, comment: str = "") -> Any:
        """Order production of a model down in the name of a person."""
        path, content = f"/api/models/{segment(model)}/shutdown", {"comment": comment}
        return self._ask("POST", path, content, self.token(person))

    def cancel(self, instance_id: str, person: str, comment: str = "") -> Any:
        """Cancel a training or a release in the name of a person."""
        path, content = f"/api/stories/{segment(instance_id)}/cancel", {"comment": comment}
        return self._ask("POST", path, content, self.token(person))

    def get_as(self, person: str, path: str, query: dict[str, str]) -> Any:
        """Return an answer for a person's token; empty values of the query are left out."""
        given = str(httpx.QueryParams({name: value for name, value in query.items() if value}))
        return self._ask("GET", f"{path}?{given}" if given else path, token=self.token(person))

    def text(self, path: str) -> str:
        """Return an answer that is plain text."""
        return self._send("GET", path).text

    def content(self, path: str) -> bytes:
        """Return the bytes of an answer."""
        return self._send("GET", path).content

    def choose(self, person: str) -> str:
        """Return in whose name to ask, "" for MLOPS_TOKEN; ApiError when that is not clear."""
        return self._credentials.choose(person)

    def people(self) -> list[str]:
        """Return the names of everybody whose token this user has for this app."""
        return self._credentials.people()

    def token(self, person: str) -> str:
        """Return the token to send for a person; ApiError when there is none for this app."""
        return self._credentials.token(person)

    def _ask(self, method: str, path: str, content: Any = None, token: str = "") -> Any:
        answer = self._send(method, path, content, token)
        try:
            return answer.json()
        except ValueError:
            return {}

    def _send(self, method: str, path: str, content: Any = None, token: str = "") -> httpx.Response:
        """Return the answer; ApiError when the app refused or did not answer."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        try:
            answer = self._http.request(method, path, json=content, headers=headers)
        except httpx.ReadTimeout as error:
            message = (
                f"{self.url} took the request and has not answered yet. It may still carry it out: "
                "see `mlopsctl status` and the host's log before you send it again."
            )
            raise ApiError("TIMEOUT", message) from error
        except httpx.TransportError as error:
            message = f"{self.url} does not answer. Start it with `make up`."
            raise ApiError("UNREACHABLE", message) from error
        if answer.is_redirect:
            where = answer.headers.get("location", "")[:200]
            text = (
                f"{self.url} leads to {where}, where nothing was sent. Give the app's own address."
            )
            raise ApiError("REDIRECTED", text)
        if answer.status_code >= 400:
            raise _refusal(answer, path)
        return answer


def read_pages(
    get: Callable[[str], Content],
    path: str,
    name: str,
    most: int | None,
    query: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, Any]:
    """Return up to `most` entries of a list, None for all, and the link to those after them.

    `get` returns the answer of a link; `name` is the field of the answer that has the entries.
    """
    entries: list[object] = []
    given = httpx.QueryParams({**query, "limit": str(min(most or PAGE, PAGE))})
    link = f"{path}?{given}"
    while True:
        content = get(link)
        entries += content[name]
        link = content.get("next") or ""
        if not link or (most and len(entries) >= most):
            return {name: entries[:most], "next": link or None}


def _refusal(answer: httpx.Response, path: str) -> ApiError:
    try:
        body = answer.json()
    except ValueError:
        body = {}
    error = body.get("error") if isinstance(body, dict) else None
    # A gateway before the app may send its own text there.
    error = error if isinstance(error, dict) else {}
    text = f"HTTP {answer.status_code} from {path}. See the host's log."
    code = "NOT_FOUND" if answer.status_code == 404 else "HTTP"
    return ApiError(str(error.get("code") or code), str(error.get("message") or text))
