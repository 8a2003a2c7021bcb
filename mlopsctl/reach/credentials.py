"""Chooses the token that a command sends; a token is sent only to the app that issued it."""

import ipaddress
import os
from pathlib import Path
from urllib.parse import urlsplit

from configuration.people.tokens import ClientTokens, config_folder, copies_of
from mlopsctl.reach.client_errors import ApiError
from mlopsctl.reach.state_folder import function_key, running_host

_PORTS = {"http": 80, "https": 443}


def origin(url: str) -> str:
    """Return scheme, host and port of an address in one spelling; ApiError for no web address."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        parts, port = urlsplit(""), 0
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ApiError("ADDRESS", f"{url!r} is not an address of an app, such as https://host.")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}:{port}"


def is_loopback(url: str) -> bool:
    """Return whether an address is on this machine: requests to it leave it on no network."""
    host = urlsplit(url).hostname or ""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_secure(url: str) -> None:
    """Raise ApiError unless a credential may be sent to this address: by https, or to loopback."""
    if origin(url).startswith("https://") or is_loopback(url):
        return
    raise ApiError(
        "INSECURE",
        f"{url} is neither https nor on this machine, so anybody in between could read a token "
        "that is sent there. Nothing was sent. Give the https address of the app.",
    )


class Credentials:
    """The credentials for one app: a function key, and the tokens of people."""

    def __init__(self, url: str, state: Path) -> None:
        """Take the app's address, and the state folder that it runs on when it is a local one."""
        self._url, self._state = url, state

    def key(self) -> str:
        """Return MLOPS_KEY, else the key that the own app on this machine asks for, else "".

        ApiError when MLOPS_KEY is for another app.
        """
        if given := self._given("MLOPS_KEY"):
            return given
        running = self._running()
        is_own = running and origin(running) == origin(self._url)
        return function_key(self._state) if is_own else ""

    def token(self, person: str) -> str:
        """Return the token to send for a person: MLOPS_TOKEN, else the copy of this user.

        ApiError when there is none for this app, or when it may not be sent to this address.
        """
        if given := self._given("MLOPS_TOKEN"):
            return given
        check_secure(self._url)
        if found := ClientTokens(config_folder(os.environ), origin(self._url)).find(person):
            return found
        if not is_loopback(self._url):
            raise ApiError(
                "NO_TOKEN",
                f"You have no token of {person} for {origin(self._url)}. Set MLOPS_URL and "
                f"MLOPS_TOKEN, or keep one: `mlopsctl token store {person} --url {self._url}`.",
            )
        self._check_own_app()
        copies = copies_of(self._state, os.environ)
        if found := copies.find(person):
            return found
        raise ApiError(
            "NO_TOKEN",
            f"You have no token of {person} for the state {self._state}: {copies.path(person)} "
            f"holds none. Is {person} among the approvers in mlops.toml? The owner of the state "
            f"issues one: `mlopsctl token issue {person} --state {self._state}`.",
        )

    def people(self) -> list[str]:
        """Return the names of everybody whose token this user has for this app."""
        names = ClientTokens(config_folder(os.environ), origin(self._url)).people()
        own = copies_of(self._state, os.environ).people() if is_loopback(self._url) else []
        return sorted({*names, *own})

    def choose(self, person: str) -> str:
        """Return the person in whose name to ask: the named person, else the only one with a token.

        "" where MLOPS_TOKEN is set, because the app knows whose token it is. ApiError when this
        user has no token or several: the app never picks a person.
        """
        if person or os.environ.get("MLOPS_TOKEN"):
            return person
        names = self.people()
        if len(names) == 1:
            return names[0]
        if names:
            text = f"You have tokens of {', '.join(names)} for {self._url}. "
            remedy = f"Name the person whose token is sent: --as {names[0]}, for example."
            raise ApiError("WHOSE_TOKEN", text + remedy)
        raise ApiError(
            "NO_TOKEN",
            f"You have no token for {self._url}. The owner of the state {self._state} issues one: "
            f"`mlopsctl token issue NAME --state {self._state}`; keep one of another machine by "
            f"`mlopsctl token store NAME --url {self._url}`. Then name the person by --as NAME.",
        )

    def _given(self, variable: str) -> str:
        """Return a credential of the environment, which is valid for the app of MLOPS_URL only."""
        given = os.environ.get(variable, "")
        if not given:
            return ""
        check_secure(self._url)
        named = os.environ.get("MLOPS_URL", "") or self._running()
        if named and origin(named) == origin(self._url):
            return given
        whose = f"the app at {named}" if named else "no named app"
        raise ApiError(
            "OTHER_HOST",
            f"{variable} is for {whose}, not for {self._url}. Nothing was sent. Set MLOPS_URL to "
            f"the app that {variable} was issued for, or unset {variable}.",
        )

    def _check_own_app(self) -> None:
        """Raise ApiError when another app than that of the state listens at the address."""
        running = self._running()
        if running and origin(running) != origin(self._url):
            raise ApiError(
                "OTHER_HOST",
                f"The app on the state {self._state} listens at {running}, not at {self._url}. "
                "Its tokens were not sent. Give the other app's own state by --state.",
            )

    def _running(self) -> str:
        host = running_host(self._state)
        return str(host["url"]) if host else ""
