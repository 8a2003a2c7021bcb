"""The app's HTTP API, as the commands use it."""

import os
from pathlib import Path
from typing import Any

import httpx


class ApiError(Exception):
    """The app said no, with a stable code and what to do; or it could not be reached."""

    def __init__(self, code: str, message: str) -> None:
        self.code, self.message = code, message
        super().__init__(f"{code}: {message}")


def unknown(name: str) -> ApiError:
    """Return the error for an id that no part of the app knows."""
    text = "`mlopsctl status`, `releases` and `events list` show the ids."
    return ApiError("NOT_FOUND", f"Nothing here is called {name!r}. {text}")


class Api:
    """Asks one app."""

    def __init__(self, url: str, state: Path, key: str = "", *, seconds: float = 300) -> None:
        self._state = state
        # A function key of the app in Azure; on one machine none is asked for.
        headers = {"x-functions-key": key} if key else {}
        self._http = httpx.Client(
            base_url=url, timeout=httpx.Timeout(seconds, connect=20), headers=headers
        )
        self.url = url

    def close(self) -> None:
        self._http.close()

    def get(self, path: str) -> Any:
        return self._ask("GET", path)

    def post(self, path: str, content: Any = None) -> Any:
        return self._ask("POST", path, content)

    def delete(self, path: str) -> Any:
        return self._ask("DELETE", path)

    def find(self, path: str) -> Any:
        """Return what is there, or None when there is nothing."""
        try:
            return self.get(path)
        except ApiError as error:
            if error.code == "NOT_FOUND":
                return None
            raise

    def decide(self, release: str | dict[str, Any], verb: str, person: str, comment: str) -> Any:
        """Approve or reject exactly the image and evidence of the release that was read.

        An id stands for the release as it is now.
        """
        if isinstance(release, str):
            release = self.get(f"/api/releases/{release}")
        assert isinstance(release, dict)
        release_id = release["release_id"]
        names = ("image_digest", "evidence_hash")
        content = {name: release[name] for name in names} | {"comment": comment}
        return self._ask("POST", f"/api/releases/{release_id}/{verb}", content, self.token(person))

    def roll_back(self, model: str, person: str, comment: str = "") -> Any:
        """Start a roll-back in the name of a person."""
        path, content = f"/api/models/{model}/roll-back", {"comment": comment}
        return self._ask("POST", path, content, self.token(person))

    def cancel(self, instance_id: str, person: str, comment: str = "") -> Any:
        """Cancel a training or a release in the name of a person."""
        path, content = f"/api/stories/{instance_id}/cancel", {"comment": comment}
        return self._ask("POST", path, content, self.token(person))

    def get_as(self, person: str, path: str, query: dict[str, str]) -> Any:
        """Return what a person may read; empty values of the query are left out."""
        given = str(httpx.QueryParams({name: value for name, value in query.items() if value}))
        return self._ask("GET", f"{path}?{given}" if given else path, token=self.token(person))

    def text(self, path: str) -> str:
        """Return an answer that is plain text."""
        return self._send("GET", path).text

    def token(self, person: str) -> str:
        """Return MLOPS_TOKEN, else the token of an approver of this machine."""
        given = os.environ.get("MLOPS_TOKEN", "")
        if given:
            return given
        path = self._state / "approvers" / f"{person}.token"
        try:
            found = path.read_text(encoding="utf-8").strip()
        except (OSError, ValueError):
            found = ""
        if not found.isascii() or not found:
            message = (
                f"{path} holds no token. Is {person} among the approvers in mlops.toml? If so, "
                "delete what is left of the file; `mlopsctl provision` makes a new one."
            )
            raise ApiError("NO_TOKEN", message)
        return found

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
        if answer.status_code >= 400:
            raise _refusal(answer, path)
        return answer


def _refusal(answer: httpx.Response, path: str) -> ApiError:
    try:
        body = answer.json()
    except ValueError:
        body = {}
    error = body.get("error", {}) if isinstance(body, dict) else {}
    text = f"HTTP {answer.status_code} from {path}. See the host's log."
    code = "NOT_FOUND" if answer.status_code == 404 else "HTTP"
    return ApiError(error.get("code", code), error.get("message", text))
