"""Messages over real HTTP and SMTP servers on this machine."""

import base64
import hashlib
import hmac
import json
import logging
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
import requests
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.instrumentation.urllib3 import URLLib3Instrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from function_app.adapters.messages import Notifications
from function_app.domain.release.approval import Evidence
from function_app.domain.release.release import Release, ReleasePolicy, ReleaseResult, ReleaseStatus
from function_app.errors import ConfigError, PlatformError
from function_app.settings.notify import NotifySettings, read_notify_settings
from function_app.settings.settings import read_settings
from tests.azure_servers.tls import Tls, make_tls
from tests.listening import Listening
from tests.patience import PATIENCE

ROOT = Path(__file__).parents[2]
DROP = 0  # a status: hang up without an answer

RELEASE = Release(
    release_id="release-m-2", model="m", version="2", policy=ReleasePolicy(approvers=("ada",))
)
EVIDENCE = Evidence(release_id="release-m-2", image_digest="sha256:aa", reasons=("mse 3.0",))


class Listener:
    """Records its requests, and answers with the next status."""

    def __init__(self) -> None:
        self.posted: list[tuple[str, dict[str, str], bytes]] = []
        self.statuses: list[int] = []
        listener = self

        class Answering(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                listener.posted.append((self.path, dict(self.headers.items()), body))
                status = listener.statuses.pop(0) if listener.statuses else 200
                if status == DROP:
                    self.close_connection = True
                    return
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def do_GET(self) -> None:
                self.send_response(204)
                self.end_headers()

            def log_message(self, *words: object) -> None:
                pass

        self.server = Listening(("127.0.0.1", 0), Answering)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    yield made
    made.server.shutdown()
    made.server.server_close()


def test_approvers_are_told_what_they_decide_by_and_where(listener: Listener) -> None:
    settings = NotifySettings(
        slack_url=f"{listener.url}/slack",
        teams_url=f"{listener.url}/teams",
        webhook_url=f"{listener.url}/hook",
        webhook_secret="secret",
        public_url="https://mlops.example.com",
    )

    Notifications(settings).ask_for_approval(RELEASE, EVIDENCE)

    assert [path for path, _, _ in listener.posted] == ["/slack", "/teams", "/hook"]
    slack, teams, hook = (json.loads(body) for _, _, body in listener.posted)
    for text in (slack["text"], hook["text"], json.dumps(teams)):
        assert "mse 3.0" in text
        assert "https://mlops.example.com/api/releases/release-m-2" in text
    assert teams["attachments"][0]["content"]["type"] == "AdaptiveCard"
    _, headers, body = listener.posted[2]
    signature = hmac.new(b"secret", body, hashlib.sha256).hexdigest()
    assert headers["X-Hub-Signature-256"] == f"sha256={signature}"


def test_a_channel_that_fails_at_first_is_tried_again(listener: Listener) -> None:
    listener.statuses = [503, 429]

    result = ReleaseResult(status=ReleaseStatus.PROMOTED, reasons=("fine",))
    Notifications(NotifySettings(slack_url=listener.url)).report_result(RELEASE, result)

    assert len(listener.posted) == 3


def test_a_dead_channel_fails_nothing_while_another_works(
    listener: Listener, caplog: pytest.LogCaptureFixture
) -> None:
    dead = "http://127.0.0.1:9/T000/very-secret-token"
    both = NotifySettings(slack_url=dead, webhook_url=listener.url)

    with caplog.at_level(logging.DEBUG):
        Notifications(both).ask_for_approval(RELEASE, EVIDENCE)
        with pytest.raises(PlatformError) as caught:
            Notifications(NotifySettings(slack_url=dead)).ask_for_approval(RELEASE, EVIDENCE)

    assert len(listener.posted) == 1
    logged = [record.getMessage() for record in caplog.records]
    assert logged
    assert "very-secret" not in " ".join([*logged, str(caught.value), repr(both)])


def test_the_secret_address_of_a_chat_reaches_no_log(
    listener: Listener, caplog: pytest.LogCaptureFixture
) -> None:
    # It is asked once, again after the 503, and again after the dropped connection.
    listener.statuses = [503, DROP]
    secret = f"{listener.url}/services/T000/planted-secret"

    with caplog.at_level(logging.DEBUG):
        Notifications(NotifySettings(slack_url=secret)).ask_for_approval(RELEASE, EVIDENCE)
        requests.get(f"{listener.url}/open", timeout=PATIENCE)

    assert [path for path, _, _ in listener.posted] == ["/services/T000/planted-secret"] * 3
    logged = " ".join(f"{record.getMessage()} {record.__dict__}" for record in caplog.records)
    assert "/open" in logged, "what is not a secret is logged as ever"
    assert "planted-secret" not in logged
    assert "T000" not in logged


def test_the_secret_address_of_a_chat_reaches_no_trace(listener: Listener) -> None:
    kept = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(kept))
    instrumentors: list[Any] = [RequestsInstrumentor(), URLLib3Instrumentor()]
    for instrumentor in instrumentors:
        instrumentor.instrument(tracer_provider=provider)
    try:
        secret = f"{listener.url}/services/T000/planted-secret"
        Notifications(NotifySettings(slack_url=secret)).ask_for_approval(RELEASE, EVIDENCE)
        requests.get(f"{listener.url}/open", timeout=PATIENCE)
    finally:
        for instrumentor in instrumentors:
            instrumentor.uninstrument()

    traced = " ".join(span.to_json() for span in kept.get_finished_spans())
    assert "/open" in traced, "what is not a secret is traced as ever"
    assert "planted-secret" not in traced


def test_a_mail_is_sent_and_a_password_never_without_tls() -> None:
    with MailServer() as (port, lines):
        address = f"smtp://127.0.0.1:{port}?from=mlops@x.org&to=ada@x.org&to=grace@x.org"
        Notifications(NotifySettings(smtp_url=address)).ask_for_approval(RELEASE, EVIDENCE)
    text = "\n".join(lines)

    assert "Subject: m 2 waits for approval" in text
    assert text.count("RCPT TO:") == 2
    with MailServer() as (port, lines):
        address = f"smtp://user:password@127.0.0.1:{port}?from=a@x.org&to=b@x.org"
        with pytest.raises(PlatformError):
            Notifications(NotifySettings(smtp_url=address)).ask_for_approval(RELEASE, EVIDENCE)
    assert not any("AUTH" in line for line in lines)


def test_no_message_is_sent_without_a_channel() -> None:
    Notifications(NotifySettings()).ask_for_approval(RELEASE, EVIDENCE)


@pytest.mark.parametrize(
    ("key", "value"),
    [("SLACK_URL", "slack.com"), ("SMTP_URL", "smtp://x"), ("TEAMS_URL", "file:///etc")],
)
def test_a_channel_that_cannot_work_is_refused_with_its_key(key: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"MLOPS_NOTIFY_{key}"):
        read_notify_settings({f"MLOPS_NOTIFY_{key}": value})


def test_links_begin_with_the_site_in_azure_unless_another_address_is_set() -> None:
    site = {"WEBSITE_HOSTNAME": "app.azurewebsites.net"}

    assert read_notify_settings(site).public_url == "https://app.azurewebsites.net"
    named = {**site, "MLOPS_PUBLIC_URL": "https://mlops.org/"}
    assert read_notify_settings(named).public_url == "https://mlops.org"
    assert read_notify_settings({**site, "MLOPS_PUBLIC_URL": ""}).public_url.endswith(".net")


def test_a_password_is_sent_to_the_mail_server_that_shows_its_certificate(tmp_path: Path) -> None:
    tls = make_tls(tmp_path)
    with MailServer(tls) as (port, lines):
        address = f"smtp://user:p%40ss@localhost:{port}?from=a@x.org&to=b@x.org"
        settings = NotifySettings(smtp_url=address, ca_file=str(tls.ca_file))
        Notifications(settings).ask_for_approval(RELEASE, EVIDENCE)

    start = lines.index("STARTTLS")
    (login,) = [number for number, line in enumerate(lines) if line.startswith("AUTH")]
    assert start < login
    assert base64.b64decode(lines[login].split()[-1]) == b"\0user\0p@ss"
    assert "Subject: m 2 waits for approval" in lines


def test_a_mail_server_with_a_stranger_s_certificate_gets_neither_password_nor_message(
    tmp_path: Path,
) -> None:
    with MailServer(make_tls(tmp_path)) as (port, lines):
        address = f"smtp://user:password@localhost:{port}?from=a@x.org&to=b@x.org"
        with pytest.raises(PlatformError):
            Notifications(NotifySettings(smtp_url=address)).ask_for_approval(RELEASE, EVIDENCE)

    assert not any(line.startswith(("AUTH", "Subject")) for line in lines)


def test_names_in_a_message_call_nobody_in_slack(listener: Listener) -> None:
    result = ReleaseResult(status=ReleaseStatus.REJECTED, reasons=("<!channel> & more",))

    Notifications(NotifySettings(slack_url=listener.url)).report_result(RELEASE, result)

    assert "&lt;!channel&gt; &amp; more" in json.loads(listener.posted[0][2])["text"]


@pytest.mark.parametrize("name", ["SLACK_URL", "WEBHOOK_SECRET", "SMTP_URL"])
def test_a_secret_that_key_vault_did_not_give_is_refused(name: str) -> None:
    reference = "@Microsoft.KeyVault(SecretUri=https://v.vault.azure.net/secrets/n)"

    with pytest.raises(ConfigError, match=f"MLOPS_NOTIFY_{name} is a Key Vault reference"):
        read_notify_settings({f"MLOPS_NOTIFY_{name}": reference})


def test_azure_s_e_mail_needs_a_sender_recipients_and_azure() -> None:
    endpoint = {"MLOPS_NOTIFY_AZURE_MAIL_ENDPOINT": "https://x.communication.azure.com"}
    people = {"MLOPS_NOTIFY_AZURE_MAIL_FROM": "a@x.org", "MLOPS_NOTIFY_AZURE_MAIL_TO": "b@x, c@x"}

    with pytest.raises(ConfigError, match="AZURE_MAIL_FROM and MLOPS_NOTIFY_AZURE_MAIL_TO"):
        read_notify_settings(endpoint)
    assert read_notify_settings({**endpoint, **people}).azure_mail_to == ("b@x", "c@x")
    with pytest.raises(ConfigError, match="needs MLOPS_PLATFORM=azure"):
        read_settings({**endpoint, **people}, ROOT)


class MailServer:
    """A mail server that takes everything and remembers the lines; with TLS when it is given."""

    def __init__(self, tls: Tls | None = None) -> None:
        self.tls = tls
        self.lines: list[str] = []

    def __enter__(self) -> tuple[int, list[str]]:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()
        return self.socket.getsockname()[1], self.lines

    def __exit__(self, *ended: object) -> None:
        self.socket.close()
        self.thread.join()

    def _serve(self) -> None:
        connection, _ = self.socket.accept()
        with connection:
            if not self._talk(connection, self.tls is not None, greeting=True):
                return
            assert self.tls is not None
            try:
                secured = self.tls.server_context().wrap_socket(connection, server_side=True)
            except OSError:
                return  # the client did not like the certificate
            with secured:
                self._talk(secured, False, greeting=False)

    def _talk(self, connection: socket.socket, offers_tls: bool, *, greeting: bool) -> bool:
        """Answer until the client leaves, or asks for TLS: then return True."""
        letter = False
        with connection.makefile("rwb") as stream:

            def say(text: str) -> None:
                stream.write(f"{text}\r\n".encode())
                stream.flush()

            if greeting:
                say("220 here")
            for raw in stream:
                line = raw.decode().rstrip("\r\n")
                # Python's clients write commands in upper or lower case, as their version likes.
                word, _, rest = line.partition(" ")
                command = word.upper()
                if not letter:
                    line = f"{command} {rest}" if rest else command
                self.lines.append(line)
                if letter:
                    letter = line != "."
                    if not letter:
                        say("250 taken")
                elif command == "EHLO":
                    more = "STARTTLS" if offers_tls else "AUTH PLAIN"
                    say(f"250-here\r\n250 {more}" if self.tls else "250 here")
                elif command == "STARTTLS":
                    say("220 go on")
                    return True
                elif command == "AUTH":
                    say("235 welcome")
                elif command == "DATA":
                    letter = True
                    say("354 go on")
                elif command == "QUIT":
                    say("221 bye")
                    return False
                else:
                    say("250 here")
        return False
