"""The sender of a request, for its budget."""

import hashlib
import ipaddress

from function_app.domain.access.budgets import Caller
from function_app.domain.access.proxies import sender_in
from function_app.triggers.invocation import Request

_NETWORK = 64  # bits of an IPv6 address that belong to one customer


def caller_of(request: Request, person: str, *, by_hand: bool = False) -> Caller:
    """Return the person of the token, else the function key and the address of the sender.

    `person` is "" without a token. Callers of a route for people, `by_hand`, count as people too.
    """
    if person:
        return Caller(name=person, person=True)
    key = request.headers.get("x-functions-key", "") or request.query.get("code", "")
    # Only a digest of the key is kept.
    digest = hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()[:8] if key else ""
    address = address_of(request)
    return Caller(name=f"key {digest} at {address}" if digest else address, person=by_hand)


def address_of(request: Request) -> str:
    """Return the network that the request came from, "an unknown address" when the host names none.

    An IPv6 address stands for its network of 64 bits, all of which one sender has.
    """
    sender = sender_of(request)
    if not sender:
        return "an unknown address"
    address = ipaddress.ip_address(sender)
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((int(address), _NETWORK), strict=False))
    return sender


def sender_of(request: Request) -> str:
    """Return the sender's address as the host and the trusted proxies saw it, "" without one."""
    return sender_in(request.headers.get("x-forwarded-for", ""), request.proxies)
