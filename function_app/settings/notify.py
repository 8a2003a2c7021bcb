"""Settings of notifications: each configured channel gets every message."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from function_app.errors import ConfigError
from function_app.settings.public_url import read_public_url

PREFIX = "MLOPS_NOTIFY_"
UNRESOLVED = "@Microsoft.KeyVault("
_TEXTS = (
    "slack_url",
    "teams_url",
    "webhook_url",
    "webhook_secret",
    "smtp_url",
    "azure_mail_endpoint",
    "azure_mail_from",
    "ca_file",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifySettings:
    """Addresses of channels; they hold secrets and are not shown.

    `smtp_url` is smtp://user:password@host:587?from=a@b&to=c@d. `azure_mail_endpoint` is a resource
    of Azure Communication Services, used by the app's identity. `ca_file` holds CA certificates
    instead of the system's. `public_url` is where people reach the app.
    """

    slack_url: str = field(default="", repr=False)
    teams_url: str = field(default="", repr=False)
    webhook_url: str = field(default="", repr=False)
    webhook_secret: str = field(default="", repr=False)
    smtp_url: str = field(default="", repr=False)
    azure_mail_endpoint: str = ""
    azure_mail_from: str = ""
    azure_mail_to: tuple[str, ...] = ()
    ca_file: str = ""
    public_url: str = ""


def read_notify_settings(environ: Mapping[str, str]) -> NotifySettings:
    """Return the channels, or raise ConfigError naming the bad key."""
    values = {name: environ.get(PREFIX + name.upper(), "") for name in _TEXTS}
    for name, text in values.items():
        if text.startswith(UNRESOLVED):
            message = "is a Key Vault reference that was not resolved. See docs."
            raise ConfigError(f"{PREFIX}{name.upper()} {message}")
    for name in ("slack_url", "teams_url", "webhook_url", "azure_mail_endpoint"):
        if values[name] and urlsplit(values[name]).scheme not in ("https", "http"):
            raise ConfigError(f"{PREFIX}{name.upper()} is not an http address.")
    smtp = values["smtp_url"]
    if smtp and (urlsplit(smtp).scheme != "smtp" or "to=" not in smtp or "from=" not in smtp):
        raise ConfigError(f"{PREFIX}SMTP_URL must read smtp://host:587?from=a@b&to=c@d.")
    to = tuple(environ.get(f"{PREFIX}AZURE_MAIL_TO", "").replace(",", " ").split())
    if values["azure_mail_endpoint"] and not (values["azure_mail_from"] and to):
        keys = f"{PREFIX}AZURE_MAIL_FROM and {PREFIX}AZURE_MAIL_TO"
        raise ConfigError(f"{PREFIX}AZURE_MAIL_ENDPOINT needs {keys}.")
    return NotifySettings(**values, azure_mail_to=to, public_url=read_public_url(environ))
