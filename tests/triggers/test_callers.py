"""The address of a sender, with and without trusted proxies before the app."""

import pytest

from function_app.errors import ConfigError
from function_app.settings.settings import PROXIES, read_settings
from function_app.triggers.callers import address_of
from function_app.triggers.invocation import Request
from tests.triggers.office import ROOT


@pytest.mark.parametrize(
    ("setting", "header", "address"),
    [
        ("", "203.0.113.9, 10.0.0.1", "10.0.0.1"),
        ("0", "203.0.113.9, 10.0.0.1", "10.0.0.1"),
        ("1", "1.2.3.4, 203.0.113.9, 10.0.0.1", "203.0.113.9"),
        ("2", "1.2.3.4, 203.0.113.9:99, 10.0.0.2, 10.0.0.1", "203.0.113.9"),
        ("3", "203.0.113.9, 10.0.0.1", "203.0.113.9"),
        ("10.0.0.0/8", "1.2.3.4, 203.0.113.9, 10.0.0.2, 10.0.0.1:80", "203.0.113.9"),
        ("10.0.0.1, 2001:db8::/32", "203.0.113.9, 10.0.0.1, 2001:db8::7", "203.0.113.9"),
        # Past the proxy: the address that the sender wrote does not count.
        ("10.0.0.0/8", "10.0.0.7, 203.0.113.9", "203.0.113.9"),
        ("10.0.0.0/8", "10.0.0.7, 10.0.0.1", "10.0.0.7"),
        ("10.0.0.0/8", "nonsense, 10.0.0.1", "an unknown address"),
    ],
)
def test_the_entry_before_those_of_trusted_proxies_counts(
    setting: str, header: str, address: str
) -> None:
    proxies = read_settings({PROXIES: setting}, ROOT).proxies
    headers = {"x-forwarded-for": header}

    request = Request(route={}, headers=headers, body=b"", proxies=proxies)

    assert address_of(request) == address


@pytest.mark.parametrize("setting", ["11", "99999999999999999999", "-1", "10.0.0.1/8", "proxy"])
def test_trusted_proxies_that_are_none_are_refused_with_an_example(setting: str) -> None:
    with pytest.raises(ConfigError, match=f"{PROXIES} is '{setting}'"):
        read_settings({PROXIES: setting}, ROOT)
