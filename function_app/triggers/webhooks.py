"""Signed webhooks: events from build systems that hold no function key."""

from function_app.domain.signatures import is_signed
from function_app.errors import NotFoundError, RefusedError
from function_app.triggers.desk import Answer, Desk, Request
from function_app.triggers.http_api import take_events


async def post_webhook(desk: Desk, request: Request) -> Answer:
    """Take events whose body is signed with the source's secret; a ping is answered."""
    source = request.route["source"]
    secret = desk.webhook_secrets.get(source)
    if secret is None:
        variable = f"MLOPS_WEBHOOK_SECRET_{source.upper().replace('-', '_')}"
        raise NotFoundError(f"No webhook source is called {source!r}. Set {variable} to a secret.")
    request.check_size()
    if not is_signed(secret, request.body, request.headers.get("x-hub-signature-256", "")):
        raise RefusedError(
            "The signature is missing or wrong. Send `X-Hub-Signature-256: sha256=<HMAC-SHA256 of "
            "the body with the source's secret, in hex>`."
        )
    if request.headers.get("x-github-event") == "ping":
        return Answer(status=200, content={"pong": source})
    return await take_events(desk, request)
