"""Webhooks of code hosts and build systems, which hold no function key.

Each source has a secret. What GitHub and Azure DevOps send becomes our own events; any other source
sends events, in either schema, in the structured or the binary mode of CloudEvents. A signed body
that is sent again is the same event and starts nothing: claims are kept for more than a year.
"""

from typing import Any

from function_app.domain.events import NothingToDo
from function_app.domain.pushes import read_devops, read_github
from function_app.domain.signatures import has_password, is_signed, is_timely
from function_app.errors import ContractError, NotFoundError, RefusedError
from function_app.triggers.desk import Answer, Desk, Request
from function_app.triggers.http_api import events_of, take_events

# GitHub sends pushes up to this size; what is kept of one is small.
MAX_HOOK = 25 * 1024 * 1024
AZURE_DEVOPS = "azure-devops"


async def post_webhook(desk: Desk, request: Request) -> Answer:
    """Take what a known source sends; a ping is answered."""
    source = request.route["source"]
    _authenticate(desk, request, source)
    kind = request.headers.get("x-github-event", "")
    if kind == "ping":
        return Answer(status=200, content={"pong": source})
    if kind:
        form = request.headers.get("content-type", "application/json")
        if not form.startswith("application/json"):
            raise ContractError(f"The hook sends {form}. Set its content type to application/json.")
        delivery = request.headers.get("x-github-delivery", "") or "unnamed"
        found = read_github(kind, delivery, request.json_object(MAX_HOOK))
    elif source == AZURE_DEVOPS:
        found = read_devops(request.json_object(MAX_HOOK))
    else:
        return await take_events(desk, source, events_of(request))
    if isinstance(found, NothingToDo):
        content: dict[str, Any] = {"outcome": "ignored", "reason": found.reason}
        return Answer(status=202, content={"receipts": [content]})
    return await take_events(desk, source, found)


def _authenticate(desk: Desk, request: Request, source: str) -> None:
    secret = desk.webhook_secrets.get(source)
    if secret is None:
        variable = f"MLOPS_WEBHOOK_SECRET_{source.upper().replace('-', '_')[:100]}"
        raise NotFoundError(
            f"No webhook source is called {source[:100]!r}. Set {variable} to a secret."
        )
    request.check_size(MAX_HOOK)
    headers = request.headers
    # Only the one host that cannot sign may send the secret itself.
    if source == AZURE_DEVOPS and has_password(secret, headers.get("authorization", "")):
        return
    timestamp = headers.get("x-mlops-timestamp", "")
    if not is_signed(secret, request.body, headers.get("x-hub-signature-256", ""), timestamp):
        raise RefusedError(
            "The signature is missing or wrong. Send `X-Hub-Signature-256: sha256=<HMAC-SHA256 of "
            "the body with the source's secret, in hex>`."
        )
    if not is_timely(timestamp, desk.ports.clock.now()):
        raise RefusedError(
            "X-Mlops-Timestamp is more than five minutes away from now. Sign and send it anew."
        )
