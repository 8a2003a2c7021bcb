"""Messages to people: Slack, Teams, any webhook, and e-mail; the same on both platforms.

Shapes: Slack, "Incoming webhooks"; Microsoft Teams, "Workflows webhook" with an Adaptive Card 1.4.
"""

import hashlib
import hmac
import json
import logging
import smtplib
import ssl
from collections.abc import Callable, Mapping
from email.message import EmailMessage
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from function_app.adapters.unlogged import unlogged
from function_app.domain.reconciliation import Finding
from function_app.domain.release.approval import Evidence
from function_app.domain.release.release import Release, ReleaseResult
from function_app.domain.stories.outcomes import KINDS, StoryEnd
from function_app.domain.text.payload_limits import cap_reasons
from function_app.domain.text.plain_text import clean, one_line
from function_app.domain.text.redaction import redact
from function_app.errors import PlatformError
from function_app.late_imports import importing
from function_app.settings.notify import NotifySettings

LOG = logging.getLogger("mlops.messages")
PATIENCE, ATTEMPTS = 10.0, 3
# Slack and Teams cut or refuse longer messages.
MOST_CHARACTERS = 3000
# A web address that leads to a message: title and text in, sent or raised.
Channel = Callable[[str, str], None]


class Notifications:
    """Sends each message to every channel; a failed channel is no error while another one works."""

    def __init__(self, settings: NotifySettings, more: Mapping[str, Channel] | None = None) -> None:
        """Take the settings of channels, and further channels of one platform."""
        self._settings = settings
        self._channels = {**_channels(settings), **(more or {})}

    def ask_for_approval(self, release: Release, evidence: Evidence) -> None:
        why = "\n".join(f"- {reason}" for reason in evidence.reasons)
        link = self._link(release.release_id)
        asked = ", ".join(release.policy.approvers)
        text = f"{why}\nImage {evidence.image_digest}\nApprovers: {asked}{link}"
        self._send(f"{release.model} {release.version} waits for approval", text)

    def report_result(self, release: Release, result: ReleaseResult) -> None:
        text = "\n".join(f"- {reason}" for reason in result.reasons) + self._link(
            release.release_id
        )
        self._send(f"{release.model} {release.version}: {result.status}", text)

    def report_outcome(self, end: StoryEnd) -> None:
        lines = [f"- {reason}" for reason in cap_reasons(end.reasons, MOST_CHARACTERS)]
        lines += [f"{name.replace('_', ' ')}: {fact}" for name, fact in end.facts.items()]
        lines.append(f"`mlopsctl show {end.instance_id}` shows everything.")
        kind = KINDS.get(end.story, end.story.replace("_", " "))
        link = self._link(end.instance_id, "status")
        self._send(f"{end.model}: {kind} {end.outcome}", "\n".join(lines) + link)

    def report_findings(self, findings: tuple[Finding, ...]) -> None:
        lines = [f"- {f.kind}: {f.subject}. {f.detail}" for f in findings]
        self._send(f"Findings: {len(findings)}", "\n".join(lines))

    def _link(self, instance_id: str, kind: str = "releases") -> str:
        # The address holds no key, and reading decides nothing.
        url = self._settings.public_url
        return f"\n{url}/api/{kind}/{instance_id}" if url else ""

    def _send(self, title: str, text: str) -> None:
        title, text = redact(title), redact(text)
        failed = []
        for name, channel in self._channels.items():
            try:
                channel(one_line(title), clean(text))
            except (PlatformError, OSError, smtplib.SMTPException) as error:
                # requests' errors are OSErrors; their texts hold addresses, which hold secrets.
                LOG.warning("No message was sent to %s: %s", name, _seen(error))
                failed.append(name)
        if failed and len(failed) == len(self._channels):
            names = ", ".join(failed)
            raise PlatformError("messages", "send a message", f"Every channel failed: {names}.")


def _channels(settings: NotifySettings) -> dict[str, Channel]:
    channels: dict[str, Channel] = {}
    trust = settings.ca_file
    if settings.slack_url:
        channels["Slack"] = lambda title, text: _post(
            settings.slack_url, {"text": _escaped(f"*{title}*\n{text}")}, trust
        )
    if settings.teams_url:
        channels["Teams"] = lambda title, text: _post(settings.teams_url, _card(title, text), trust)
    if settings.webhook_url:
        channels["webhook"] = lambda title, text: _post(
            settings.webhook_url, {"title": title, "text": text}, trust, settings.webhook_secret
        )
    if settings.smtp_url:
        channels["e-mail"] = lambda title, text: _mail(settings.smtp_url, title, text, trust)
    return channels


def _seen(error: Exception) -> str:
    """Return the message of an app's own error, else type and status: texts may have secrets."""
    if isinstance(error, PlatformError):
        return redact(error.message)
    answer = getattr(error, "response", None)
    status = getattr(answer, "status_code", None) or getattr(error, "smtp_code", None)
    return f"{type(error).__name__} {status}" if status else type(error).__name__


def _escaped(text: str) -> str:
    # Otherwise a name such as <!channel> would notify a whole channel.
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _post(url: str, content: dict[str, Any], ca_file: str, secret: str = "") -> None:
    with importing():
        import requests
        from requests.adapters import HTTPAdapter
        from urllib3.util import Retry

    body = json.dumps(content).encode()
    headers = {"Content-Type": "application/json"}
    if secret:
        signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        headers["X-Hub-Signature-256"] = f"sha256={signature}"
    # A message twice is better than none: POST is retried, too.
    retry = Retry(
        total=ATTEMPTS,
        backoff_factor=0.2,
        status_forcelist=(429, 500, 502, 503, 504),
        allowed_methods=None,
        retry_after_max=int(PATIENCE),  # the longest wait for a message, in seconds
        raise_on_status=False,
    )
    with unlogged(), requests.Session() as session:
        session.mount("https://", HTTPAdapter(max_retries=retry))
        session.mount("http://", HTTPAdapter(max_retries=retry))
        answer = session.post(
            url,
            data=body,
            headers=headers,
            timeout=PATIENCE,
            allow_redirects=False,
            verify=ca_file or True,
        )
        answer.raise_for_status()


def _card(title: str, text: str) -> dict[str, Any]:
    blocks = [
        {"type": "TextBlock", "text": title, "weight": "Bolder", "wrap": True},
        {"type": "TextBlock", "text": text, "wrap": True},
    ]
    card = {"type": "AdaptiveCard", "version": "1.4", "body": blocks}
    kind = "application/vnd.microsoft.card.adaptive"
    return {"type": "message", "attachments": [{"contentType": kind, "content": card}]}


def _mail(url: str, title: str, text: str, ca_file: str) -> None:
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    message = EmailMessage()
    message["Subject"], message["From"] = title.replace("\n", " "), query["from"][0]
    message["To"] = ", ".join(query["to"])
    message.set_content(text)
    with smtplib.SMTP(parts.hostname or "", parts.port or 587, timeout=PATIENCE) as server:
        server.ehlo()
        if server.has_extn("starttls"):
            # Without a context the server's certificate would not be verified.
            server.starttls(context=ssl.create_default_context(cafile=ca_file or None))
            server.ehlo()
        elif parts.username:
            raise smtplib.SMTPNotSupportedError("no TLS, and a password to send")
        if parts.username:
            server.login(unquote(parts.username), unquote(parts.password or ""))
        server.send_message(message)
