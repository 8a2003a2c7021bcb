"""Where people are told: each channel that is set gets every message."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from function_app.errors import ConfigError

PREFIX = "MLOPS_NOTIFY_"


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifySettings:
    """Addresses of channels; they hold secrets and are not shown.

    `smtp_url` is smtp://user:password@host:587?from=a@b&to=c@d; `public_url` is where people reach
    the app.
    """

    slack_url: str = field(default="", repr=False)
    teams_url: str = field(default="", repr=False)
    webhook_url: str = field(default="", repr=False)
    webhook_secret: str = field(default="", repr=False)
    smtp_url: str = field(default="", repr=False)
    public_url: str = ""


def read_notify_settings(environ: Mapping[str, str]) -> NotifySettings:
    """Return the channels, or raise ConfigError naming the bad key."""
    values = {
        name: environ.get(PREFIX + name.upper(), "")
        for name in ("slack_url", "teams_url", "webhook_url", "webhook_secret", "smtp_url")
    }
    for name in ("slack_url", "teams_url", "webhook_url"):
        if values[name] and urlsplit(values[name]).scheme not in ("https", "http"):
            raise ConfigError(f"{PREFIX}{name.upper()} is no http address.")
    smtp = values["smtp_url"]
    if smtp and (urlsplit(smtp).scheme != "smtp" or "to=" not in smtp or "from=" not in smtp):
        raise ConfigError(f"{PREFIX}SMTP_URL must read smtp://host:587?from=a@b&to=c@d.")
    return NotifySettings(**values, public_url=environ.get("MLOPS_PUBLIC_URL", "").rstrip("/"))
