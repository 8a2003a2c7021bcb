"""The route of the host's own warnings; the real host has none."""

from __future__ import annotations

from aiohttp import web

from funchost.keys import given_key, opens
from funchost.storage import warnings
from funchost.storage.store import Store

PATH = "/runtime/webhooks/funchost/warnings"
MOST = 100


class WarningsApi:
    """Answers with the newest warnings to who has the system key."""

    def __init__(self, store: Store, key: str) -> None:
        """Take the store that has the warnings, and the system key."""
        self._store, self._key = store, key

    def routes(self) -> list[web.RouteDef]:
        """List the only route."""
        return [web.get(PATH, self.list)]

    async def list(self, request: web.Request) -> web.StreamResponse:
        """Answer with at most MOST warnings, the newest first, and how many there are."""
        if not opens(given_key(request), self._key):
            return web.Response(status=401)
        newest = [document(record) for record in warnings.newest(self._store, MOST)]
        return web.json_response({"warnings": newest, "total": warnings.count(self._store)})


def document(record: warnings.WarningRecord) -> dict[str, str]:
    """Return a warning as the route and the command show it."""
    return {
        "kind": record.kind,
        "instance": record.instance,
        "cause": record.cause,
        "remedy": record.remedy,
        "at": record.at,
    }
