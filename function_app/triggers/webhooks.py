"""Webhooks of code hosts and build systems, which hold no function key.

Each source has a secret. What GitHub and Azure DevOps send becomes our own events; any other source
sends events, in either schema, in the structured or the binary mode of CloudEvents. A signed body
that is sent again is the same event and starts nothing: claims are kept for more than a year.
"""

from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs

from function_app.domain.events import NothingToDo
from function_app.domain.hook_setup import check_ping
from function_app.domain.pushes import read_devops, read_github
from function_app.domain.signatures import has_password, is_signed, is_timely
from function_app.errors import ContractError, NotFoundError, RefusedError
from function_app.triggers.desk import Answer, Desk, Request
from function_app.triggers.http_api import events_of, take_events

# GitHub sends pushes up to this size; what is kept of one is small.
MAX_HOOK = 25 * 1024 * 1024
AZURE_DEVOPS = "azure-devops"
JSON, FORM = "application/json", "application/x-www-form-urlencoded"


async def post_webhook(desk: Desk, request: Request) -> Answer:
    """Take what a known source sends; a ping is checked for what pushes need."""
    source = request.route["source"]
    _authenticate(desk, request, source)
    desk.attempt.source = source
    kind = request.headers.get("x-github-event", "")
    repositories = [p.code.repository for p in desk.projects.values() if p.code]
    if kind:
        hook = _github_hook(request)
        if kind == "ping":
            check_ping(hook, repositories)
            return Answer(status=200, content={"pong": source})
        delivery = request.headers.get("x-github-delivery", "") or "unnamed"
        found = read_github(kind, delivery, hook)
    elif source == AZURE_DEVOPS:
        found = read_devops(request.json_object(MAX_HOOK), repositories)
    else:
        return await take_events(desk, source, events_of(request))
    if isinstance(found, NothingToDo):
        content: dict[str, Any] = {"outcome": "ignored", "reason": found.reason}
        return Answer(status=202, content={"receipts": [content]})
    return await take_events(desk, source, found)


def _github_hook(request: Request) -> dict[str, Any]:
    """Return what GitHub sends as JSON, or as a form with the JSON in its field `payload`.

    The signature is over the body as it came, so it was checked before.
    """
    media_type = request.headers.get("content-type", JSON).partition(";")[0].strip().lower()
    if media_type == JSON:
        return request.json_object(MAX_HOOK)
    if media_type != FORM:
        raise ContractError(
            f"The hook sends {media_type[:80]}. Set its content type to {JSON} or {FORM}."
        )
    try:
        fields = parse_qs(request.body.decode(), max_num_fields=10)
    except ValueError as error:
        raise ContractError("The body is no form.", code="MALFORMED_FORM") from error
    if "payload" not in fields:
        raise ContractError(f"The form has no field `payload`. Set the content type to {JSON}.")
    return replace(request, body=fields["payload"][0].encode()).json_object(MAX_HOOK)


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
