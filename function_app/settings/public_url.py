"""The address of this app for people: links in messages and in commit statuses begin with it."""

from collections.abc import Mapping

LOOPBACK = ("localhost", "127.0.0.1")


def read_public_url(environ: Mapping[str, str]) -> str:
    """Return MLOPS_PUBLIC_URL, else the site's own address in Azure, else nothing.

    Core Tools set WEBSITE_HOSTNAME to `localhost:7071`, where they serve plain HTTP.
    """
    site = environ.get("WEBSITE_HOSTNAME", "")
    scheme = "http" if site.partition(":")[0] in LOOPBACK else "https"
    address = environ.get("MLOPS_PUBLIC_URL") or (f"{scheme}://{site}" if site else "")
    return address.rstrip("/")
