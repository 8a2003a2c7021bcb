"""The entry of X-Forwarded-For that is the sender's address.

Each proxy appends the address that it saw, and the host appends the last one: App Service in Azure,
funchost on this machine. A sender can forge the earlier entries, unless a trusted proxy appended
them.
"""

import ipaddress
from dataclasses import dataclass

from function_app.errors import ConfigError

MOST_PROXIES = 10
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedProxies:
    """The proxies before the app: how many there are, or in which networks they are.

    Without any the last entry counts, which no sender can choose.
    """

    count: int = 0
    networks: tuple[Network, ...] = ()


NO_PROXIES = TrustedProxies()


def read_proxies(text: str, name: str) -> TrustedProxies:
    """Return the proxies of a setting: a number, or addresses and networks with commas between.

    ConfigError when the text is neither; `name` is the setting.
    """
    words = text.replace(",", " ").split()
    if len(words) == 1 and words[0].isascii() and words[0].isdecimal():
        if int(words[0][:3]) > MOST_PROXIES or len(words[0]) > 3:
            raise ConfigError(f"{name} is {text!r}. At most {MOST_PROXIES} proxies are counted.")
        return TrustedProxies(count=int(words[0]))
    try:
        networks = tuple(ipaddress.ip_network(word) for word in words)
    except ValueError as error:
        usage = "Give how many proxies there are, or their addresses and networks: 10.0.0.0/8."
        raise ConfigError(f"{name} is {text[:80]!r}: {error}. {usage}") from error
    return TrustedProxies(networks=networks)


def sender_in(header: str, proxies: TrustedProxies) -> str:
    """Return the sender's address of a header X-Forwarded-For, "" when that entry is no address.

    With a count, so many entries from the end are the proxies'. With networks, the last entry
    outside of them counts. When a header has too few entries, its first one counts.
    """
    entries = header.split(",")
    last = len(entries) - 1
    if proxies.networks:
        while last > 0 and _is_within(_address(entries[last]), proxies.networks):
            last -= 1
    else:
        last = max(last - proxies.count, 0)
    return _address(entries[last])


def _is_within(text: str, networks: tuple[Network, ...]) -> bool:
    return bool(text) and any(ipaddress.ip_address(text) in network for network in networks)


def _address(entry: str) -> str:
    """Return the address of an entry, which may have a port; "" for any other text."""
    text = entry.strip()
    if text.count(":") == 1:
        text = text.partition(":")[0]
    elif text.startswith("["):
        text = text[1:].partition("]")[0]
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return ""
