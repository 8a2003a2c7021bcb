"""Where people reach this app: links in messages and in commit statuses begin with it."""

from collections.abc import Mapping


def read_public_url(environ: Mapping[str, str]) -> str:
    """Return MLOPS_PUBLIC_URL, else the site's own address in Azure, else nothing."""
    site = environ.get("WEBSITE_HOSTNAME", "")
    address = environ.get("MLOPS_PUBLIC_URL") or (f"https://{site}" if site else "")
    return address.rstrip("/")
