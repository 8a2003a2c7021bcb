"""Webhooks of code hosts and build systems, which hold no function key.

Each source has a secret and a scope: `[webhooks.<source>]` in mlops.toml. GitHub and Azure DevOps
send pushes and pull requests, which become our own events; other sources send events, in either
schema, in the structured or the binary mode of CloudEvents, signed together with the time.

Code hosts cannot sign a time. A hook of theirs that is sent again is the same event: its identity
is the digest of its body, because a sender can change the headers of a captured hook, among them
the delivery id. It is remembered as long as events are kept, and its claim longer.
"""

import hashlib
import logging
from dataclasses import replace
from typing import Any, TypedDict
from urllib.parse import parse_qs

from function_app.domain.access.budgets import Caller
from function_app.domain.events.events import NothingToDo
from function_app.domain.events.inbox import Outcome
from function_app.domain.webhooks.hook_setup import check_ping
from function_app.domain.webhooks.pushes import read_devops, read_github
from function_app.domain.webhooks.signatures import (
    attributes_of,
    has_password,
    is_signed,
    is_timely,
)
from function_app.domain.webhooks.webhook_sources import (
    AZURE_DEVOPS,
    GITHUB,
    SIGNED,
    WebhookSource,
    kind_of,
)
from function_app.errors import ContractError, NotFoundError, RefusedError
from function_app.triggers.events.inbox import Receipt
from function_app.triggers.http.http_api import Receipts, events_of, take_events
from function_app.triggers.invocation import Accepted, Done, Invocation, Request

LOG = logging.getLogger("mlops.webhooks")
# GitHub sends pushes up to this size; the stored part of a push is small.
MAX_HOOK = 25 * 1024 * 1024
JSON, FORM = "application/json", "application/x-www-form-urlencoded"


class Pong(TypedDict):
    """The answer to the ping of a code host."""

    pong: str


async def post_webhook(invocation: Invocation, request: Request) -> Done[Pong] | Accepted[Receipts]:
    """Store the events of a known source; a ping is checked for the settings that pushes need."""
    source = request.route["source"]
    dialect = _authenticate(invocation, request, source)
    invocation.attempt.source = source
    repositories = [p.code.repository for p in invocation.projects.values() if p.code]
    if dialect == SIGNED:
        events: list[dict[str, object]] | NothingToDo = events_of(request)
    elif dialect == AZURE_DEVOPS:
        events = read_devops(request.json_object(MAX_HOOK), repositories)
    else:
        hook, kind = _github_hook(request), request.headers["x-github-event"]
        if kind == "ping":
            check_ping(hook, repositories)
            return Done(content={"pong": source})
        events = read_github(kind, hashlib.sha256(request.body).hexdigest()[:32], hook)
    if isinstance(events, NothingToDo):
        receipt = Receipt(outcome=Outcome.IGNORED, event_id="", event_key="", reason=events.reason)
        return Accepted(content={"receipts": [receipt]})
    caller = Caller(name=f"The webhook source {source}")
    return await take_events(invocation, source, events, caller, len(request.body))


def _github_hook(request: Request) -> dict[str, Any]:
    """Return GitHub's hook from JSON, or from a form with the JSON in its field `payload`.

    The signature is over the body as it came, so it was checked before.
    """
    media_type = request.headers.get("content-type", JSON).partition(";")[0].strip().lower()
    if media_type == JSON:
        return request.json_object(MAX_HOOK)
    if media_type != FORM:
        raise ContractError(
            f"The hook sends {media_type[:80]}. Set its content type to {JSON} or {FORM}."
        )
    if not request.body.startswith(b"payload="):
        raise ContractError(f"The form has no field `payload`. Set the content type to {JSON}.")
    try:
        fields = parse_qs(request.body.decode(), max_num_fields=10)
    except ValueError as error:
        raise ContractError("The body is not a form.", code="MALFORMED_FORM") from error
    if "payload" not in fields:
        raise ContractError(f"The form has no field `payload`. Set the content type to {JSON}.")
    return replace(request, body=fields["payload"][0].encode()).json_object(MAX_HOOK)


def _authenticate(invocation: Invocation, request: Request, source: str) -> str:
    """Return the kind of the proven source: GITHUB, AZURE_DEVOPS or SIGNED events.

    RefusedError when nothing proves that the source sent the request.
    """
    secret = invocation.webhook_secrets.get(source)
    if secret is None:
        variable = f"MLOPS_WEBHOOK_SECRET_{source.upper().replace('-', '_')[:100]}"
        raise NotFoundError(
            f"No webhook source is called {source[:100]!r}. Set {variable} to a secret."
        )
    request.check_size(MAX_HOOK)
    headers = request.headers
    kind = kind_of(source, invocation.sources.get(source, WebhookSource()))
    # Only a host that cannot sign may send the secret itself.
    if kind == AZURE_DEVOPS:
        if not has_password(secret, headers.get("authorization", "")):
            text = "The password is missing or wrong. Send the secret by basic authentication."
            raise _refused(source, text)
        return kind
    signature = headers.get("x-hub-signature-256", "")
    if kind == GITHUB or (not kind and "x-github-event" in headers):
        if "x-github-event" not in headers:
            raise _refused(source, "X-GitHub-Event is missing: this source sends GitHub's hooks.")
        if not is_signed(secret, request.body, signature):
            raise _refused(
                source,
                "The signature is missing or wrong. Send `X-Hub-Signature-256: sha256=<HMAC-SHA256 "
                "of the body with the source's secret, in hex>`.",
            )
        return GITHUB
    timestamp = headers.get("x-mlops-timestamp", "")
    if not is_signed(secret, request.body, signature, timestamp, attributes_of(headers)):
        raise _refused(
            source,
            "The signature is missing or wrong. Send `X-Mlops-Timestamp: <seconds>` and "
            "`X-Hub-Signature-256: sha256=<HMAC-SHA256 with the source's secret, in hex>` over "
            "`<timestamp>.<body>`; docs/how-to/webhooks.md has the form for CloudEvents' headers.",
        )
    if not timestamp:
        raise _refused(source, "X-Mlops-Timestamp is missing. Sign the time with the body.")
    if not is_timely(timestamp, invocation.ports.clock.now()):
        raise _refused(
            source,
            "X-Mlops-Timestamp is more than five minutes away from now. Sign and send it again.",
        )
    return SIGNED


def _refused(source: str, text: str) -> RefusedError:
    LOG.warning("webhook of %s refused: %s", source, text)
    return RefusedError(text)
